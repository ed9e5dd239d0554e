//! Which addresses may be called.
//!
//! Decided on addresses, never on names: names are what an attacker controls (DNS rebinding).
//! For IPv6 the rule is what is allowed (global unicast less its special parts), for IPv4 what is
//! not (IANA's special-purpose registry), since there nearly all is global.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use crate::domain::address_block::AddressBlock;

/// Whether this very machine may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loopback {
    /// For development.
    Allowed,
    /// As it should be.
    Refused,
}

/// A private network that the operator says portals are in (RFC 1918, RFC 4193): nothing else that
/// is not public can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrivateNetwork(AddressBlock);

/// Text that is not a private network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a private network")]
pub struct ParsePrivateNetworkError;

/// Which addresses may be called that are not public. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    pub(super) loopback: Loopback,
    networks: Arc<[PrivateNetwork]>,
}

impl Reach {
    /// This very machine or not, and these networks.
    #[must_use]
    pub fn new(loopback: Loopback, networks: Vec<PrivateNetwork>) -> Self {
        Self {
            loopback,
            networks: networks.into(),
        }
    }
}

impl From<Loopback> for Reach {
    fn from(loopback: Loopback) -> Self {
        Self::new(loopback, Vec::new())
    }
}

const fn v4(network: [u8; 4], prefix: u32) -> AddressBlock {
    let [a, b, c, d] = network;
    AddressBlock::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix)
}

const fn v6(start: [u16; 3], prefix: u32) -> AddressBlock {
    let [a, b, c] = start;
    AddressBlock::new(IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), prefix)
}

const PRIVATE: [AddressBlock; 4] = [
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v6([0xfc00, 0, 0], 7),
];
/// A cloud's metadata, at a unique local address.
const METADATA: AddressBlock = v6([0xfd00, 0xec2, 0], 32);

impl FromStr for PrivateNetwork {
    type Err = ParsePrivateNetworkError;

    fn from_str(text: &str) -> Result<Self, ParsePrivateNetworkError> {
        let block: AddressBlock = text.parse().map_err(|_| ParsePrivateNetworkError)?;
        let is_private = PRIVATE.iter().any(|private| private.holds(block));
        if !is_private || block.holds(METADATA) || METADATA.holds(block) {
            return Err(ParsePrivateNetworkError);
        }
        Ok(Self(block))
    }
}

/// All but what is global.
const SPECIAL_V4: [AddressBlock; 18] = [
    v4([0, 0, 0, 0], 8),        // this network
    v4([10, 0, 0, 0], 8),       // private
    v4([100, 64, 0, 0], 10),    // carriers' address translation; some clouds' metadata
    v4([127, 0, 0, 0], 8),      // loopback
    v4([168, 63, 129, 16], 32), // a cloud's metadata, on a public address
    v4([169, 254, 0, 0], 16),   // link-local; most clouds' metadata
    v4([172, 16, 0, 0], 12),    // private
    v4([192, 0, 0, 0], 24),     // protocol assignments
    v4([192, 0, 2, 0], 24),     // documentation
    v4([192, 31, 196, 0], 24),  // AS112
    v4([192, 52, 193, 0], 24),  // multicast tunnels
    v4([192, 88, 99, 0], 24),   // 6to4 relays
    v4([192, 168, 0, 0], 16),   // private
    v4([192, 175, 48, 0], 24),  // AS112
    v4([198, 18, 0, 0], 15),    // benchmarks
    v4([198, 51, 100, 0], 24),  // documentation
    v4([203, 0, 113, 0], 24),   // documentation
    v4([224, 0, 0, 0], 3),      // multicast, reserved, broadcast
];

const GLOBAL_V6: AddressBlock = v6([0x2000, 0, 0], 3);

/// Parts of the global block that lead elsewhere.
const SPECIAL_V6: [AddressBlock; 5] = [
    v6([0x2001, 0, 0], 23),         // protocol assignments, Teredo
    v6([0x2001, 0xdb8, 0], 32),     // documentation
    v6([0x2002, 0, 0], 16),         // 6to4: an IPv4 address inside
    v6([0x2620, 0x4f, 0x8000], 48), // AS112
    v6([0x3fff, 0, 0], 20),         // documentation
];

/// Whether `address` may be called. An IPv4 address mapped into IPv6 is judged as IPv4.
pub(super) fn may_call(address: IpAddr, reach: &Reach) -> bool {
    let address = address.to_canonical();
    if address.is_loopback() {
        return reach.loopback == Loopback::Allowed;
    }
    if reach
        .networks
        .iter()
        .any(|PrivateNetwork(block)| block.contains(address))
    {
        return true;
    }
    let is_in = |blocks: &[AddressBlock]| blocks.iter().any(|block| block.contains(address));
    match address {
        IpAddr::V4(_) => !is_in(&SPECIAL_V4),
        IpAddr::V6(_) => GLOBAL_V6.contains(address) && !is_in(&SPECIAL_V6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(text: &str, loopback: Loopback) -> bool {
        may_call(text.parse().expect(text), &loopback.into())
    }

    #[test]
    fn public_addresses_may_be_called() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "2400:3200::1",
            "2606:4700::1111",
        ] {
            assert!(may(text, Loopback::Refused), "{text}");
        }
    }

    #[test]
    fn all_others_may_not() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!may(text, Loopback::Refused), "{text}");
            assert!(!may(text, Loopback::Allowed), "{text}");
        }
    }

    #[test]
    fn loopback_is_asked_for() {
        for text in ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(!may(text, Loopback::Refused), "{text}");
            assert!(may(text, Loopback::Allowed), "{text}");
        }
    }

    #[test]
    fn private_networks_may_be_called_where_the_operator_says_so() {
        let networks = ["10.20.0.0/16", "fd12:3456::/32"].map(|text| text.parse().expect(text));
        let reach = Reach::new(Loopback::Refused, networks.to_vec());
        for (text, may) in [
            ("10.20.1.2", true),
            ("::ffff:10.20.1.2", true),
            ("fd12:3456::7", true),
            ("10.21.0.1", false),
            ("192.168.1.1", false),
            ("fd12:3457::7", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
        ] {
            assert_eq!(may_call(text.parse().expect(text), &reach), may, "{text}");
        }
    }

    #[test]
    fn nothing_but_a_private_network_can_be_named_so() {
        for text in [
            "0.0.0.0/0",
            "8.0.0.0/7",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "100.64.0.0/10",
            "203.0.113.0/24",
            "10.20.0.1/16",
            "::/0",
            "::1",
            "fe80::/10",
            "fc00::/7",
            "fd00:ec2::254",
            "portal.example",
        ] {
            let named = text.parse::<PrivateNetwork>();
            assert_eq!(named, Err(ParsePrivateNetworkError), "{text}");
        }
    }
}
