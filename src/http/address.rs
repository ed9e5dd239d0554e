//! Whom a connection speaks for.
//!
//! Only a peer inside a trusted block may name somebody else, by `X-Forwarded-For`; every other
//! header that claims an address, host or scheme is passed over.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of a connection; the server puts it into every request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// A block of addresses such as `10.0.0.0/8` (RFC 4632).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressBlock {
    network: IpAddr,
    prefix: u32,
}

/// Text that is not a block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a block of addresses")]
pub struct ParseAddressBlockError;

impl FromStr for AddressBlock {
    type Err = ParseAddressBlockError;

    /// Reads a block, or one address. Bits set outside the prefix are a mistake, so refused.
    fn from_str(text: &str) -> Result<Self, ParseAddressBlockError> {
        let (network, prefix) = match text.split_once('/') {
            Some((network, prefix)) => (network, Some(prefix)),
            None => (text, None),
        };
        let network: IpAddr = network.parse().map_err(|_| ParseAddressBlockError)?;
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| ParseAddressBlockError)?
            }
            Some(_) => return Err(ParseAddressBlockError),
            None => width(network),
        };
        if prefix > width(network) || raw(network) & !mask(network, prefix) != 0 {
            return Err(ParseAddressBlockError);
        }
        Ok(Self { network, prefix })
    }
}

impl AddressBlock {
    /// Whether the block holds `address`; an IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.network.is_ipv4()
            && (raw(address) ^ raw(self.network)) & mask(address, self.prefix) == 0
    }
}

const fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn raw(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The bits that a block fixes. A shift by all 128 leaves none.
fn mask(address: IpAddr, prefix: u32) -> u128 {
    u128::MAX
        .checked_shl(width(address).saturating_sub(prefix))
        .unwrap_or(0)
}

/// The nearest address that is not one of ours: the peer, or when that is a trusted proxy the
/// first from the right of `X-Forwarded-For` that is not. What stands further left came from
/// outside and proves nothing.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[AddressBlock]) -> IpAddr {
    let is_trusted = |address| trusted.iter().any(|block| block.contains(address));
    let mut address = peer.to_canonical();
    if !is_trusted(address) {
        return address;
    }
    let mut values: Vec<_> = headers.get_all(X_FORWARDED_FOR).iter().collect();
    values.reverse();
    for value in values {
        let Ok(text) = value.to_str() else {
            return address;
        };
        for hop in text.rsplit(',') {
            match parse_hop(hop.trim()) {
                Some(hop) => address = hop.to_canonical(),
                None => return address,
            }
            if !is_trusted(address) {
                return address;
            }
        }
    }
    address
}

/// Some proxies add the port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let address = text.parse().ok();
    address.or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> AddressBlock {
        text.parse().expect(text)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn a_block_holds_its_addresses_only() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("::1/128", "::1", "::2"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:11.0.0.1"),
        ] {
            assert!(block(text).contains(address(inside)), "{text} {inside}");
            assert!(!block(text).contains(address(outside)), "{text} {outside}");
        }
    }

    #[test]
    fn a_mistaken_block_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0/8",
            "::/129",
            "fd00::1/8",
            "example.org",
        ] {
            assert!(text.parse::<AddressBlock>().is_err(), "{text}");
        }
    }

    fn seen_from(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted = [block("10.0.0.0/8"), block("::1")];
        client_address(address(peer), &headers, &trusted).to_string()
    }

    #[test]
    fn an_untrusted_peer_speaks_for_itself() {
        assert_eq!(seen_from("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen_from("::ffff:203.0.113.9", &[]), "203.0.113.9");
    }

    #[test]
    fn a_trusted_peer_is_believed_from_the_right_up_to_the_first_stranger() {
        assert_eq!(seen_from("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(
            seen_from("10.0.0.1", &["1.1.1.1, 198.51.100.1"]),
            "198.51.100.1"
        );
        assert_eq!(
            seen_from("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]),
            "198.51.100.1"
        );
        assert_eq!(
            seen_from("::1", &["1.1.1.1", "198.51.100.1:4711, 10.0.0.2"]),
            "198.51.100.1"
        );
        assert_eq!(seen_from("::1", &["[2001:db8::7]:80"]), "2001:db8::7");
    }

    #[test]
    fn what_is_not_an_address_ends_the_walk() {
        assert_eq!(
            seen_from("10.0.0.1", &["198.51.100.1, unknown"]),
            "10.0.0.1"
        );
        assert_eq!(
            seen_from("10.0.0.1", &["1.1.1.1, _x, 10.9.9.9"]),
            "10.9.9.9"
        );
        assert_eq!(seen_from("10.0.0.1", &["10.0.0.5, 10.0.0.6"]), "10.0.0.5");
    }
}
