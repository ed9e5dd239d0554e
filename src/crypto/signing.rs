//! The keys we sign with. The parsed key pair is held, since parsing an RSA key costs twice what
//! signing does; so are the encoded headers of the tokens we sign all day.
//!
//! A key's name is the thumbprint of its public half, so a name never stands for two keys.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding,
};
use zeroize::Zeroizing;

use super::jwk::thumbprint;
use super::{PrimitiveError, encoding};
use crate::protocol::jose::{JwtHeader, PublicJwk, PublicKeyParameters, SignatureAlgorithm};

/// How large a new RSA key is. Other algorithms have one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RsaSize {
    /// 2048 bits: the smallest that RFC 7518 §3.3 allows, and the quickest.
    #[default]
    Bits2048,
    /// 3072 bits: three times the time.
    Bits3072,
}

/// Why bytes are not a key to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// Not PKCS#8 of the algorithm's kind of key, or a weak key.
    #[error("not a private key that {0:?} can sign with")]
    Rejected(SignatureAlgorithm),
    /// The primitive failed.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
}

/// Why a token was not signed: a fault of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The claims cannot be written as JSON.
    #[error("the claims cannot be serialized")]
    Claims,
    /// The primitive failed.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
}

/// A private key, ready to sign.
pub struct SigningKey {
    algorithm: SignatureAlgorithm,
    public: PublicJwk,
    kid: String,
    pair: Pair,
    headers: Headers,
}

enum Pair {
    Rsa(rsa::KeyPair, &'static dyn RsaEncoding),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// JOSE headers in base64url, for the values of `typ` that are signed all day.
struct Headers {
    untyped: String,
    jwt: String,
    access_token: String,
}

impl SigningKey {
    /// A new key, and its PKCS#8 form to seal and keep. RSA takes a quarter of a second and more.
    pub fn generate(
        algorithm: SignatureAlgorithm,
        rsa_size: RsaSize,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), SigningKeyError> {
        let pkcs8 = generate_pkcs8(algorithm, rsa_size).map_err(PrimitiveError::from)?;
        Ok((Self::from_pkcs8(algorithm, &pkcs8)?, pkcs8))
    }

    /// The key of a PKCS#8 form.
    pub fn from_pkcs8(
        algorithm: SignatureAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Self, SigningKeyError> {
        let pair =
            Pair::parse(algorithm, pkcs8).map_err(|_| SigningKeyError::Rejected(algorithm))?;
        let parameters = pair.public().ok_or(PrimitiveError)?;
        let kid = thumbprint(&parameters)?;
        let public = PublicJwk::verifying(parameters, kid.clone(), algorithm);
        let header = |typ| encode_header(algorithm, &kid, typ);
        let headers = Headers {
            untyped: header(None)?,
            jwt: header(Some("JWT"))?,
            access_token: header(Some("at+jwt"))?,
        };
        Ok(Self {
            algorithm,
            public,
            kid,
            pair,
            headers,
        })
    }

    /// The key's name: the RFC 7638 thumbprint of its public half.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The public half, to publish.
    pub const fn public_jwk(&self) -> &PublicJwk {
        &self.public
    }

    /// The signature in the form that JWS has (RFC 7518 §3): for ES256 the two numbers.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrimitiveError> {
        match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
            Pair::P256(pair) => Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
        }
    }

    /// How long its signatures are.
    pub(super) fn signature_len(&self) -> usize {
        match &self.pair {
            Pair::Rsa(pair, _) => pair.public_modulus_len(),
            Pair::P256(_) | Pair::Ed25519(_) => 64,
        }
    }

    /// The encoded header of a token of this type signed by this key.
    pub(super) fn encoded_header(&self, typ: Option<&str>) -> Result<Cow<'_, str>, PrimitiveError> {
        Ok(match typ {
            None => Cow::Borrowed(&self.headers.untyped),
            Some("JWT") => Cow::Borrowed(&self.headers.jwt),
            Some("at+jwt") => Cow::Borrowed(&self.headers.access_token),
            other => Cow::Owned(encode_header(self.algorithm, &self.kid, other)?),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl Pair {
    fn parse(algorithm: SignatureAlgorithm, pkcs8: &[u8]) -> Result<Self, KeyRejected> {
        Ok(match algorithm {
            SignatureAlgorithm::Rs256 => {
                Self::Rsa(rsa::KeyPair::from_pkcs8(pkcs8)?, &RSA_PKCS1_SHA256)
            }
            SignatureAlgorithm::Ps256 => {
                Self::Rsa(rsa::KeyPair::from_pkcs8(pkcs8)?, &RSA_PSS_SHA256)
            }
            SignatureAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)?;
                Self::P256(pair)
            }
            SignatureAlgorithm::EdDsa => Self::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8)?),
        })
    }

    fn public(&self) -> Option<PublicKeyParameters> {
        match self {
            Self::Rsa(pair, _) => {
                let public = pair.public_key();
                Some(PublicKeyParameters::Rsa {
                    n: encoding::encode(public.modulus().big_endian_without_leading_zero()),
                    e: encoding::encode(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Self::P256(pair) => {
                // An uncompressed point: a mark, then both coordinates.
                let (_, coordinates) = pair.public_key().as_ref().split_first()?;
                let (x, y) = coordinates.split_at_checked(32)?;
                Some(PublicKeyParameters::Ec {
                    crv: "P-256".to_owned(),
                    x: encoding::encode(x),
                    y: encoding::encode(y),
                })
            }
            Self::Ed25519(pair) => Some(PublicKeyParameters::Okp {
                crv: "Ed25519".to_owned(),
                x: encoding::encode(pair.public_key().as_ref()),
            }),
        }
    }
}

fn generate_pkcs8(
    algorithm: SignatureAlgorithm,
    rsa_size: RsaSize,
) -> Result<Zeroizing<Vec<u8>>, aws_lc_rs::error::Unspecified> {
    let bytes = match algorithm {
        SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256 => {
            let size = match rsa_size {
                RsaSize::Bits2048 => rsa::KeySize::Rsa2048,
                RsaSize::Bits3072 => rsa::KeySize::Rsa3072,
            };
            let pair = rsa::KeyPair::generate(size)?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)?.as_ref().to_vec()
        }
        SignatureAlgorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?
            .to_pkcs8v1()?
            .as_ref()
            .to_vec(),
        SignatureAlgorithm::EdDsa => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
    };
    Ok(Zeroizing::new(bytes))
}

fn encode_header(
    algorithm: SignatureAlgorithm,
    kid: &str,
    typ: Option<&str>,
) -> Result<String, PrimitiveError> {
    let header = JwtHeader::new(algorithm, kid, typ);
    let json = serde_json::to_vec(&header).map_err(|_| PrimitiveError)?;
    Ok(encoding::encode(&json))
}

#[cfg(test)]
mod tests;
