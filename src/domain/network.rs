//! The part of the network a request comes from, as far as it is worth telling apart.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address block: of IPv4 256 addresses, of IPv6 a `/56`, which is what one customer commonly
/// gets. Whoever can change address within it gains nothing by it. Personal data, as an address is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// The block of an address. An IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Ipv4Addr::new(a, b, c, 0).into()
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d & 0xFF00, 0, 0, 0, 0).into()
            }
        })
    }

    /// The text that a counter's blind index is computed over.
    #[must_use]
    pub fn index_text(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientNetwork([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(address: &str) -> String {
        ClientNetwork::of(address.parse().unwrap()).index_text()
    }

    #[test]
    fn neighbors_share_a_block() {
        assert_eq!(block("192.0.2.1"), block("192.0.2.254"));
        assert_eq!(block("::ffff:192.0.2.1"), block("192.0.2.7"));
        assert_ne!(block("192.0.2.1"), block("192.0.3.1"));
        assert_eq!(block("2001:db8:1:2aff::1"), block("2001:db8:1:2a00:5::"));
        assert_ne!(block("2001:db8:1:2a00::1"), block("2001:db8:1:2b00::1"));
    }
}
