//! Bytes as text and as unambiguous input of keyed functions.
//!
//! Base64url has one text for a value: padding, stray bits and other alphabets are refused, so
//! that a token cannot be written in two ways.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Base64url without padding (RFC 7515 §2).
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends [`encode`]d bytes.
pub fn encode_onto(bytes: &[u8], text: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

/// The length of the text of so many bytes.
pub const fn encoded_len(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

/// The bytes of a text that [`encode`] would have made.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The bytes of a text that must hold exactly `N` of them.
pub fn decode_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != encoded_len(N) {
        return None;
    }
    decode(text)?.try_into().ok()
}

/// Parts written one after another, each behind its length, so that no two lists of parts are
/// written alike.
pub fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_every_length() {
        let bytes: Vec<u8> = (0..=66).map(|byte| byte ^ 0xA5).collect();
        for length in 0..bytes.len() {
            let text = encode(&bytes[..length]);
            assert_eq!(text.len(), encoded_len(length));
            assert_eq!(decode(&text).as_deref(), Some(&bytes[..length]));
        }
    }

    #[test]
    fn reads_only_the_one_text_of_a_value() {
        assert_eq!(decode("_-8"), Some(vec![0xFF, 0xEF]));
        for other in ["_-8=", "/+8", "_-9", " _-8", "_-8\n", "_", "_-8é"] {
            assert_eq!(decode(other), None, "{other:?}");
        }
        assert_eq!(decode_exact::<2>("_-8"), Some([0xFF, 0xEF]));
        assert_eq!(decode_exact::<3>("_-8"), None);
        assert_eq!(decode_exact::<1>("_-8"), None);
    }

    #[test]
    fn parts_cannot_be_shifted() {
        let written = [
            length_prefixed(&[b"ab", b"c"]),
            length_prefixed(&[b"a", b"bc"]),
            length_prefixed(&[b"abc"]),
            length_prefixed(&[b"abc", b""]),
        ];
        for (index, one) in written.iter().enumerate() {
            assert!(!written[index + 1..].contains(one));
        }
    }
}
