//! The name that a public key has by itself: its thumbprint.

use serde::Serialize;

use super::PrimitiveError;
use super::digest::sha256;
use super::encoding;
use crate::protocol::jose::PublicKeyParameters;

/// The members that make the key, in the order of their names (RFC 7638 §3.2).
#[derive(Default, Serialize)]
struct Required<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<&'a str>,
    kty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<&'a str>,
}

impl<'a> From<&'a PublicKeyParameters> for Required<'a> {
    fn from(key: &'a PublicKeyParameters) -> Self {
        match key {
            PublicKeyParameters::Rsa { n, e } => Self {
                kty: "RSA",
                n: Some(n),
                e: Some(e),
                ..Self::default()
            },
            PublicKeyParameters::Ec { crv, x, y } => Self {
                kty: "EC",
                crv: Some(crv),
                x: Some(x),
                y: Some(y),
                ..Self::default()
            },
            PublicKeyParameters::Okp { crv, x } => Self {
                kty: "OKP",
                crv: Some(crv),
                x: Some(x),
                ..Self::default()
            },
        }
    }
}

/// The SHA-256 thumbprint of a key (RFC 7638; RFC 8037 §2 for Edwards curves), in base64url.
pub fn thumbprint(key: &PublicKeyParameters) -> Result<String, PrimitiveError> {
    let members = serde_json::to_vec(&Required::from(key)).map_err(|_| PrimitiveError)?;
    Ok(encoding::encode(&sha256(&[&members])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::jose::PublicJwk;

    fn thumbprint_of(json: &str) -> String {
        let jwk: PublicJwk = serde_json::from_str(json).expect("a key");
        thumbprint(&jwk.parameters).expect("a thumbprint")
    }

    /// RFC 7638 §3.1.
    #[test]
    fn of_the_rsa_key_of_rfc_7638() {
        let json = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(thumbprint_of(json), expected);
    }

    /// RFC 8037 Appendix A.3.
    #[test]
    fn of_the_edwards_key_of_rfc_8037() {
        let json =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(thumbprint_of(json), expected);
    }
}
