//! Whom a connection speaks for.
//!
//! Only a peer inside a trusted block may name somebody else, by `X-Forwarded-For`; every other
//! header that claims an address, host or scheme is passed over.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

use crate::domain::address_block::AddressBlock;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of a connection; the server puts it into every request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

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
