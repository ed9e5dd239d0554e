//! Free ports: the usual one if nobody has it, else the first free one of a few that are easily
//! remembered, else any.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// How far apart the ports are that are tried: 8080, 18080, 28080.
const STRIDE: u16 = 10_000;

/// Hands out ports, none of them twice.
#[derive(Debug, Default)]
pub struct Ports(BTreeSet<u16>);

impl Ports {
    /// A port that was free on loopback a moment ago.
    pub fn pick(&mut self, usual: u16) -> io::Result<u16> {
        let remembered = (0_u16..).map_while(|n| usual.checked_add(n.checked_mul(STRIDE)?));
        for port in remembered {
            if port != 0 && !self.0.contains(&port) && is_free(port) {
                self.0.insert(port);
                return Ok(port);
            }
        }
        loop {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
                .local_addr()?
                .port();
            if is_free(port) && self.0.insert(port) {
                return Ok(port);
            }
        }
    }
}

/// Whether nobody listens there by either protocol: a browser that resolves `localhost` may try
/// IPv6 first and must not end up at somebody else's server.
fn is_free(port: u16) -> bool {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let taken = |address| {
        TcpListener::bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    };
    TcpListener::bind(v4).is_ok() && !taken(v6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_passed_over_and_none_is_given_twice() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let usual = held.local_addr().unwrap().port();
        let mut ports = Ports::default();
        let first = ports.pick(usual).unwrap();
        let second = ports.pick(usual).unwrap();
        assert!(![usual, second].contains(&first) && second != usual);
    }
}
