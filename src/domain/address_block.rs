//! Blocks of addresses.

use std::net::IpAddr;
use std::str::FromStr;

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
    /// The block of the first `prefix` bits of `network`, of which no others are set.
    pub(crate) const fn new(network: IpAddr, prefix: u32) -> Self {
        Self { network, prefix }
    }

    /// Whether all of `other` is in this block.
    #[must_use]
    pub fn holds(&self, other: Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.network)
    }

    /// Whether the block holds `address`; an IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
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

    #[test]
    fn a_block_holds_its_parts() {
        let ten = block("10.0.0.0/8");
        for part in ["10.0.0.0/8", "10.7.0.0/16", "10.255.255.255"] {
            assert!(ten.holds(block(part)), "{part}");
        }
        for other in ["0.0.0.0/0", "8.0.0.0/7", "11.0.0.0/16", "::/0"] {
            assert!(!ten.holds(block(other)), "{other}");
        }
    }
}
