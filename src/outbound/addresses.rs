//! Which addresses may be called.
//!
//! Decided on addresses, never on names: names are what an attacker controls (DNS rebinding).
//! For IPv6 the rule is what is allowed (global unicast less its special parts), for IPv4 what is
//! not (IANA's special-purpose registry), since there nearly all is global.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether this very machine may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loopback {
    /// For development.
    Allowed,
    /// As it should be.
    Refused,
}

/// Address and prefix length.
const SPECIAL_V4: [(Ipv4Addr, u32); 18] = [
    (Ipv4Addr::UNSPECIFIED, 8),            // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // carriers' address translation; some clouds' metadata
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // a cloud's metadata, on a public address
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local; most clouds' metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation
    (Ipv4Addr::new(192, 31, 196, 0), 24),  // AS112
    (Ipv4Addr::new(192, 52, 193, 0), 24),  // multicast tunnels
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private
    (Ipv4Addr::new(192, 175, 48, 0), 24),  // AS112
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 3),      // multicast, reserved, broadcast
];

const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Parts of the global block that lead elsewhere.
const SPECIAL_V6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: an IPv4 address inside
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Whether `address` may be called. An IPv4 address mapped into IPv6 is judged as IPv4.
pub(super) fn may_call(address: IpAddr, loopback: Loopback) -> bool {
    let address = address.to_canonical();
    if address.is_loopback() {
        return loopback == Loopback::Allowed;
    }
    match address {
        IpAddr::V4(address) => !SPECIAL_V4
            .iter()
            .any(|&(network, prefix)| shares(address.to_bits(), network.to_bits(), 32 - prefix)),
        IpAddr::V6(address) => {
            let inside = |(network, prefix): (Ipv6Addr, u32)| {
                (address.to_bits() ^ network.to_bits()) >> (128 - prefix) == 0
            };
            inside(GLOBAL_V6) && !SPECIAL_V6.into_iter().any(inside)
        }
    }
}

const fn shares(one: u32, other: u32, host_bits: u32) -> bool {
    (one ^ other) >> host_bits == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(text: &str, loopback: Loopback) -> bool {
        may_call(text.parse().expect(text), loopback)
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
}
