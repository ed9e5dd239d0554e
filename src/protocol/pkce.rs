//! Proof Key for Code Exchange (RFC 7636), method S256 only.
//!
//! `plain` does not exist here, so nothing can fall back to it. The digest of the verifier is
//! computed above (cryptography is not known here) and compared there in constant time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::text::SecretText;

/// The one method: the challenge is the SHA-256 digest of the verifier.
pub const S256: &str = "S256";

/// The digest that the verifier of a token request must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeChallenge([u8; 32]);

/// Text that is not a challenge or verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed PKCE value")]
pub struct PkceError;

impl CodeChallenge {
    /// Reads `code_challenge`: 43 base64url characters without padding.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| PkceError)?;
        bytes.try_into().map(Self).map_err(|_| PkceError)
    }

    /// The digest, for a comparison in constant time.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The verifier of a token request (RFC 7636 §4.1): 43 to 128 unreserved characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeVerifier(SecretText);

impl CodeVerifier {
    /// Reads `code_verifier`.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(SecretText::from(text)))
        } else {
            Err(PkceError)
        }
    }

    /// What is to be digested.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_example_of_rfc_7636() {
        let challenge =
            CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert_eq!(challenge.digest()[..4], [0x13, 0xd3, 0x1e, 0x96]);
        assert!(CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").is_ok());
    }

    /// Attack case 17.
    #[test]
    fn wrong_lengths_and_characters_are_refused() {
        for length in [0, 42, 129] {
            assert_eq!(CodeVerifier::parse(&"a".repeat(length)), Err(PkceError));
        }
        assert!(CodeVerifier::parse(&"a".repeat(43)).is_ok());
        assert!(CodeVerifier::parse(&"a".repeat(128)).is_ok());
        assert!(CodeVerifier::parse(&format!("{} ", "a".repeat(43))).is_err());
        let good = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        for bad in [
            &good[1..],
            &format!("{good}A"),
            &format!("{good}="),
            &good.replace('-', "+"),
        ] {
            assert_eq!(CodeChallenge::parse(bad), Err(PkceError), "{bad}");
        }
    }

    #[test]
    fn a_verifier_never_prints() {
        let verifier = CodeVerifier::parse(&"v".repeat(43)).unwrap();
        assert!(!format!("{verifier:?}").contains("vvv"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,140}") {
            let _ = CodeVerifier::parse(&text);
            let _ = CodeChallenge::parse(&text);
        }

        #[test]
        fn keeps_every_digest(digest in any::<[u8; 32]>()) {
            let text = URL_SAFE_NO_PAD.encode(digest);
            prop_assert_eq!(text.len(), 43);
            prop_assert_eq!(CodeChallenge::parse(&text), Ok(CodeChallenge(digest)));
        }
    }
}
