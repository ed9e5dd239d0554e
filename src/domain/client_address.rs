//! The address a request comes from, as far as it is worth telling apart.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address and its block. The block: of IPv4 256 addresses, of IPv6 a `/56`, which is what one
/// customer commonly gets; whoever can change address within it gains nothing by it. The address: of
/// IPv6 a `/64`, since a device picks the rest itself. Personal data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    address: IpAddr,
    block: IpAddr,
}

impl ClientAddress {
    /// Where an address is. An IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self {
                    address: address.into(),
                    block: Ipv4Addr::new(a, b, c, 0).into(),
                }
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                let start = |d| Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into();
                Self {
                    address: start(d),
                    block: start(d & 0xFF00),
                }
            }
        }
    }

    /// The text that the blind index of a counter for the block is computed over.
    #[must_use]
    pub fn block_text(self) -> String {
        self.block.to_string()
    }

    /// The same for the address alone.
    #[must_use]
    pub fn address_text(self) -> String {
        self.address.to_string()
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientAddress([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(address: &str) -> String {
        ClientAddress::of(address.parse().unwrap()).block_text()
    }

    fn address(address: &str) -> String {
        ClientAddress::of(address.parse().unwrap()).address_text()
    }

    #[test]
    fn neighbors_share_a_block() {
        assert_eq!(block("192.0.2.1"), block("192.0.2.254"));
        assert_eq!(block("::ffff:192.0.2.1"), block("192.0.2.7"));
        assert_ne!(block("192.0.2.1"), block("192.0.3.1"));
        assert_eq!(block("2001:db8:1:2aff::1"), block("2001:db8:1:2a00:5::"));
        assert_ne!(block("2001:db8:1:2a00::1"), block("2001:db8:1:2b00::1"));
    }

    #[test]
    fn neighbors_have_addresses_of_their_own() {
        assert_ne!(address("192.0.2.1"), address("192.0.2.254"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
    }
}
