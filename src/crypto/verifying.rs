//! Public keys to verify signatures with: ours, clients', peers'. Each is tied to one algorithm,
//! so what a token claims about itself never chooses how it is verified.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
};

use super::encoding;
use crate::protocol::jose::{PublicJwk, PublicKeyParameters, SignatureAlgorithm};

/// Why a published key cannot verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyingKeyError {
    /// The key is stated to be for something else: encryption, or another algorithm.
    #[error("the key is not for this algorithm")]
    OtherUse,
    /// The key names no algorithm.
    #[error("the key names no algorithm that is supported")]
    NoAlgorithm,
    /// A member is not what the key type demands, or the key is too small or too large.
    #[error("the key's members are malformed or weak")]
    Malformed,
}

/// A public key for one algorithm, parsed once.
pub struct VerifyingKey {
    algorithm: SignatureAlgorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// The key for the algorithm that it names.
    pub fn from_jwk(jwk: &PublicJwk) -> Result<Self, VerifyingKeyError> {
        let named = jwk.alg.as_deref().and_then(|alg| alg.parse().ok());
        Self::for_algorithm(jwk, named.ok_or(VerifyingKeyError::NoAlgorithm)?)
    }

    /// The key for an algorithm that is settled elsewhere, as by a client's metadata: most
    /// published keys name none.
    pub fn for_algorithm(
        jwk: &PublicJwk,
        algorithm: SignatureAlgorithm,
    ) -> Result<Self, VerifyingKeyError> {
        let other_algorithm = jwk
            .alg
            .as_deref()
            .is_some_and(|alg| alg != algorithm.as_str());
        let other_use = jwk.key_use.as_deref().is_some_and(|usage| usage != "sig");
        if other_algorithm || other_use {
            return Err(VerifyingKeyError::OtherUse);
        }
        let key = match (algorithm, &jwk.parameters) {
            (SignatureAlgorithm::Rs256, PublicKeyParameters::Rsa { n, e }) => {
                rsa(n, e, &RSA_PKCS1_2048_8192_SHA256)
            }
            (SignatureAlgorithm::Ps256, PublicKeyParameters::Rsa { n, e }) => {
                rsa(n, e, &RSA_PSS_2048_8192_SHA256)
            }
            (SignatureAlgorithm::Es256, PublicKeyParameters::Ec { crv, x, y })
                if crv == "P-256" =>
            {
                p256(x, y)
            }
            (SignatureAlgorithm::EdDsa, PublicKeyParameters::Okp { crv, x })
                if crv == "Ed25519" =>
            {
                ed25519(x)
            }
            _ => return Err(VerifyingKeyError::OtherUse),
        };
        let key = key.ok_or(VerifyingKeyError::Malformed)?;
        Ok(Self { algorithm, key })
    }

    /// What it verifies.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Whether this is the key's signature of the message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifyingKey")
            .field(&self.algorithm)
            .finish()
    }
}

/// RFC 7518 §3.3: 2048 bits or more. Above 4096 a stranger's key would cost us too much.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

fn rsa(n: &str, e: &str, parameters: &'static RsaParameters) -> Option<ParsedPublicKey> {
    if n.len() > encoding::encoded_len(*RSA_BYTES.end()) || e.len() > encoding::encoded_len(4) {
        return None;
    }
    let (n, e) = (encoding::decode(n)?, encoding::decode(e)?);
    let exponent = e
        .iter()
        .fold(0, |value, byte| (value << 8) | u32::from(*byte));
    // With an exponent of one anything is its own signature, and an even one makes no key.
    if !RSA_BYTES.contains(&n.len()) || exponent < 3 || exponent % 2 == 0 {
        return None;
    }
    RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(parameters)
        .ok()
}

fn p256(x: &str, y: &str) -> Option<ParsedPublicKey> {
    let (x, y) = (
        encoding::decode_exact::<32>(x)?,
        encoding::decode_exact::<32>(y)?,
    );
    // SEC 1 §2.3.3: 4 marks an uncompressed point. Points off the curve are refused by the parser.
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()
}

fn ed25519(x: &str) -> Option<ParsedPublicKey> {
    let key = encoding::decode_exact::<32>(x)?;
    ParsedPublicKey::new(&ED25519, key).ok()
}

#[cfg(test)]
mod tests;
