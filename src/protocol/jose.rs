//! The words of JOSE that this provider speaks: algorithms, public keys, token headers (RFC 7515,
//! RFC 7517, RFC 7518, RFC 8037). No key is private here and nothing is signed or verified.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// A signature algorithm. `none` and the symmetric ones do not exist here, so no token can ask for
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum SignatureAlgorithm {
    /// RSA PKCS #1 v1.5 with SHA-256: the default of OIDC, what every library can verify.
    #[default]
    Rs256,
    /// RSA PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl SignatureAlgorithm {
    /// Every algorithm, for discovery.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// A name that is not an algorithm of this provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a supported signature algorithm (RS256, PS256, ES256, EdDSA)")]
pub struct UnknownAlgorithm;

impl FromStr for SignatureAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let known = Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text);
        known.ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for SignatureAlgorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SignatureAlgorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The numbers of a public key, base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicKeyParameters {
    /// RFC 7518 §6.3.1.
    #[serde(rename = "RSA")]
    Rsa {
        /// Modulus.
        n: String,
        /// Exponent.
        e: String,
    },
    /// RFC 7518 §6.2.1.
    #[serde(rename = "EC")]
    Ec {
        /// `P-256`.
        crv: String,
        /// First coordinate.
        x: String,
        /// Second coordinate.
        y: String,
    },
    /// RFC 8037 §2.
    #[serde(rename = "OKP")]
    Okp {
        /// `Ed25519`.
        crv: String,
        /// The key.
        x: String,
    },
}

/// A public key with what it is for (RFC 7517 §4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicJwk {
    /// The key.
    #[serde(flatten)]
    pub parameters: PublicKeyParameters,
    /// Which key of its set it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The one algorithm that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `sig` or `enc`.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub key_use: Option<String>,
}

impl PublicJwk {
    /// A key that verifies signatures of one algorithm.
    #[must_use]
    pub fn verifying(
        parameters: PublicKeyParameters,
        kid: impl Into<String>,
        algorithm: SignatureAlgorithm,
    ) -> Self {
        Self {
            parameters,
            kid: Some(kid.into()),
            alg: Some(algorithm.as_str().to_owned()),
            key_use: Some("sig".to_owned()),
        }
    }
}

/// A set of public keys (RFC 7517 §5).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<PublicJwk>,
}

/// Why a set of keys from outside is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwkSetError {
    /// Not an object with an array `keys`.
    #[error("is not a JWK set")]
    Form,
    /// More keys than anyone rotates.
    #[error("has more than {MAX_KEYS} keys")]
    TooMany,
    /// A private or symmetric key, which its owner has thereby given away.
    #[error("contains a private or symmetric key; publish public keys only")]
    Private,
}

const MAX_KEYS: usize = 32;
/// Members of private RSA, EC, OKP and symmetric keys (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl JwkSet {
    /// Reads a client's set. Kinds of keys that we do not know are left out (RFC 7517 §5); private
    /// ones are refused.
    pub fn from_untrusted(value: &Value) -> Result<Self, JwkSetError> {
        let keys = value
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(JwkSetError::Form)?;
        if keys.len() > MAX_KEYS {
            return Err(JwkSetError::TooMany);
        }
        if !keys.iter().all(Value::is_object) {
            return Err(JwkSetError::Form);
        }
        if keys
            .iter()
            .any(|key| PRIVATE_MEMBERS.iter().any(|name| key.get(name).is_some()))
        {
            return Err(JwkSetError::Private);
        }
        let known = keys
            .iter()
            .filter_map(|key| PublicJwk::deserialize(key).ok());
        Ok(Self {
            keys: known.collect(),
        })
    }

    /// The key named `kid`.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&PublicJwk> {
        self.keys.iter().find(|key| key.kid.as_deref() == Some(kid))
    }
}

/// The header of a signed token (RFC 7515 §4.1). Keys that a token brings along (`jwk`, `jku`,
/// `x5u`, `x5c`) are not read: a key comes from the issuer's set or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwtHeader {
    /// The algorithm.
    pub alg: SignatureAlgorithm,
    /// The type, such as `at+jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typ: Option<String>,
    /// Which key signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
}

/// A header that is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtHeaderError {
    /// Not JSON, without `alg`, or with one that is not supported.
    #[error("the token's header is malformed or its algorithm is not supported")]
    Malformed,
    /// `crit`, `b64` or `zip`: extensions that would change what the token means.
    #[error("the token's header has an extension that is not supported")]
    Extension,
}

impl JwtHeader {
    /// A header.
    #[must_use]
    pub fn new(alg: SignatureAlgorithm, kid: impl Into<String>, typ: Option<&str>) -> Self {
        Self {
            alg,
            typ: typ.map(str::to_owned),
            kid: Some(kid.into()),
        }
    }

    /// Reads a decoded header.
    pub fn parse(json: &[u8]) -> Result<Self, JwtHeaderError> {
        let header: Value = serde_json::from_slice(json).map_err(|_| JwtHeaderError::Malformed)?;
        if ["crit", "b64", "zip", "enc"]
            .iter()
            .any(|name| header.get(name).is_some())
        {
            return Err(JwtHeaderError::Extension);
        }
        Self::deserialize(header).map_err(|_| JwtHeaderError::Malformed)
    }

    /// Whether `typ` is `expected`, with or without `application/` (RFC 7515 §4.1.9).
    #[must_use]
    pub fn is_type(&self, expected: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| {
            let typ = typ
                .get(..12)
                .filter(|prefix| prefix.eq_ignore_ascii_case("application/"))
                .map_or(typ, |_| typ.get(12..).unwrap_or_default());
            typ.eq_ignore_ascii_case(expected)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Attack case 25: there is no way to say `none` or a symmetric algorithm.
    #[test]
    fn only_asymmetric_algorithms_exist() {
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
        for text in ["none", "None", "HS256", "RS1", "rs256", ""] {
            assert_eq!(
                text.parse::<SignatureAlgorithm>(),
                Err(UnknownAlgorithm),
                "{text}"
            );
        }
    }

    #[test]
    fn keys_print_as_rfc_7517_writes_them() {
        let parameters = PublicKeyParameters::Okp {
            crv: "Ed25519".into(),
            x: "AA".into(),
        };
        let key = PublicJwk::verifying(parameters, "k1", SignatureAlgorithm::EdDsa);
        let json = serde_json::to_value(JwkSet {
            keys: vec![key.clone()],
        })
        .unwrap();
        assert_eq!(
            json,
            json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "k1", "alg": "EdDSA", "use": "sig"}]})
        );
        let read = JwkSet::from_untrusted(&json).unwrap();
        assert_eq!(read.find("k1"), Some(&key));
        assert_eq!(read.find("k2"), None);
    }

    #[test]
    fn private_keys_are_refused_and_unknown_kinds_left_out() {
        let private = json!({"keys": [{"kty": "RSA", "n": "AA", "e": "AQAB", "d": "AA"}]});
        assert_eq!(JwkSet::from_untrusted(&private), Err(JwkSetError::Private));
        let symmetric = json!({"keys": [{"kty": "oct", "k": "AA"}]});
        assert_eq!(
            JwkSet::from_untrusted(&symmetric),
            Err(JwkSetError::Private)
        );
        let unknown = json!({"keys": [{"kty": "LATTICE"}]});
        assert_eq!(JwkSet::from_untrusted(&unknown), Ok(JwkSet::default()));
        let many = json!({"keys": vec![json!({}); 33]});
        assert_eq!(JwkSet::from_untrusted(&many), Err(JwkSetError::TooMany));
        for form in [
            json!([]),
            json!({}),
            json!({"keys": {}}),
            json!({"keys": [1]}),
        ] {
            assert_eq!(
                JwkSet::from_untrusted(&form),
                Err(JwkSetError::Form),
                "{form}"
            );
        }
    }

    /// Attack cases 25 and 39.
    #[test]
    fn a_header_brings_neither_keys_nor_extensions() {
        let header = JwtHeader::parse(
            br#"{"alg":"ES256","typ":"application/at+JWT","kid":"a","jku":"https://evil.test"}"#,
        )
        .unwrap();
        assert_eq!(header.alg, SignatureAlgorithm::Es256);
        assert!(header.is_type("at+jwt") && !header.is_type("jwt"));
        assert!(!serde_json::to_string(&header).unwrap().contains("evil"));
        let bad: [&[u8]; 4] = [b"", b"{}", br#"{"alg":"none"}"#, br#"{"alg":"HS256"}"#];
        for text in bad {
            assert_eq!(JwtHeader::parse(text), Err(JwtHeaderError::Malformed));
        }
        let critical = br#"{"alg":"RS256","crit":["b64"],"b64":false}"#;
        assert_eq!(JwtHeader::parse(critical), Err(JwtHeaderError::Extension));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), typ in "\\PC{0,20}") {
            let _ = JwtHeader::parse(&bytes);
            let header = JwtHeader::new(SignatureAlgorithm::Rs256, "k", Some(&typ));
            let _ = header.is_type("jwt");
        }
    }
}
