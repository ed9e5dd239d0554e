//! How a client proves itself at the token, introspection and revocation endpoints (RFC 6749
//! §2.3, OIDC Core §9): by secret in the `Authorization` header or in the body, or not at all.
//!
//! Nothing is read from the query. What is parsed here is a claim; whether the secret is right is
//! decided above.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::client_metadata::values::TokenEndpointAuthMethod;
use super::error::{ErrorCode, OAuthError};
use super::parameters::{Parameters, decode};
use super::text::SecretText;

/// Who a client claims to be, and its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCredentials {
    /// `client_secret_basic`
    Basic {
        /// Who.
        client_id: String,
        /// The proof.
        client_secret: SecretText,
    },
    /// `client_secret_post`
    Post {
        /// Who.
        client_id: String,
        /// The proof.
        client_secret: SecretText,
    },
    /// `none`: a public client only names itself.
    None {
        /// Who.
        client_id: String,
    },
}

/// Why what a client presented cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Neither header nor `client_id`.
    #[error("the request does not say which client it is from")]
    Missing,
    /// The header is not Basic, or not as RFC 6749 §2.3.1 writes it.
    #[error("the Authorization header is not valid HTTP Basic with form-encoded id and secret")]
    Malformed,
    /// More than one proof at once (RFC 6749 §2.3).
    #[error("the request uses more than one client authentication method")]
    Several,
    /// The body names another client than the proof.
    #[error("client_id in the body is not the authenticated client")]
    Mismatch,
    /// A client assertion.
    #[error("client assertions are not supported")]
    Assertion,
}

impl CredentialsError {
    /// RFC 6749 §5.2.
    #[must_use]
    pub fn to_oauth(self) -> OAuthError {
        let code = match self {
            Self::Several | Self::Mismatch => ErrorCode::InvalidRequest,
            Self::Missing | Self::Malformed | Self::Assertion => ErrorCode::InvalidClient,
        };
        code.because(self.to_string())
    }
}

impl ClientCredentials {
    /// Reads the one `Authorization` header and the body.
    pub fn parse(authorization: Option<&str>, body: &Parameters) -> Result<Self, CredentialsError> {
        use CredentialsError as E;
        let named = body.get("client_id");
        let posted = body.get("client_secret");
        if body
            .get("client_assertion")
            .or(body.get("client_assertion_type"))
            .is_some()
        {
            return Err(if authorization.is_some() || posted.is_some() {
                E::Several
            } else {
                E::Assertion
            });
        }
        match (authorization, posted) {
            (Some(_), Some(_)) => Err(E::Several),
            (Some(header), None) => {
                let (client_id, client_secret) = basic(header).ok_or(E::Malformed)?;
                if named.is_some_and(|named| named != client_id) {
                    return Err(E::Mismatch);
                }
                Ok(Self::Basic {
                    client_id,
                    client_secret,
                })
            }
            (None, Some(secret)) => Ok(Self::Post {
                client_id: named.ok_or(E::Missing)?.to_owned(),
                client_secret: SecretText::from(secret),
            }),
            (None, None) => Ok(Self::None {
                client_id: named.ok_or(E::Missing)?.to_owned(),
            }),
        }
    }

    /// Who the client claims to be.
    #[must_use]
    pub const fn client_id(&self) -> &str {
        match self {
            Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::None { client_id } => client_id.as_str(),
        }
    }

    /// The proof, if there is one.
    #[must_use]
    pub const fn client_secret(&self) -> Option<&SecretText> {
        match self {
            Self::Basic { client_secret, .. } | Self::Post { client_secret, .. } => {
                Some(client_secret)
            }
            Self::None { .. } => None,
        }
    }

    /// The method in use.
    #[must_use]
    pub const fn method(&self) -> TokenEndpointAuthMethod {
        match self {
            Self::Basic { .. } => TokenEndpointAuthMethod::ClientSecretBasic,
            Self::Post { .. } => TokenEndpointAuthMethod::ClientSecretPost,
            Self::None { .. } => TokenEndpointAuthMethod::None,
        }
    }
}

/// RFC 6749 §2.3.1: identifier and secret are each form-encoded, then joined by a colon.
fn basic(header: &str) -> Option<(String, SecretText)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    let (id, secret) = decoded.split_at_checked(colon)?;
    let id = decode(id).ok().filter(|id| !id.is_empty())?;
    let secret = decode(secret.get(1..)?)
        .ok()
        .filter(|secret| !secret.is_empty())?;
    Some((id, SecretText::new(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use CredentialsError as E;
    use proptest::prelude::*;

    fn parse(header: Option<&str>, body: &str) -> Result<ClientCredentials, E> {
        ClientCredentials::parse(header, &Parameters::parse(body.as_bytes()).unwrap())
    }

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_secret_comes_by_header_or_by_body() {
        let basic = parse(Some(&header("a%3Ab:s+%25")), "grant_type=x").unwrap();
        assert_eq!(basic.client_id(), "a:b");
        assert_eq!(basic.client_secret().unwrap().expose(), "s %");
        assert_eq!(basic.method(), TokenEndpointAuthMethod::ClientSecretBasic);
        let lower = header("a:b").replacen("Basic", "bAsIc", 1);
        assert!(parse(Some(&lower), "client_id=a").is_ok());
        let post = parse(None, "client_id=a&client_secret=b").unwrap();
        assert_eq!(post.method(), TokenEndpointAuthMethod::ClientSecretPost);
        let none = parse(None, "client_id=a&client_secret=").unwrap();
        assert_eq!(none.method(), TokenEndpointAuthMethod::None);
    }

    /// Attack case 26.
    #[test]
    fn two_methods_at_once_are_refused() {
        assert_eq!(
            parse(Some(&header("a:b")), "client_id=a&client_secret=b"),
            Err(E::Several)
        );
        assert_eq!(
            parse(Some(&header("a:b")), "client_assertion=x"),
            Err(E::Several)
        );
        assert_eq!(
            parse(None, "client_id=a&client_assertion=x"),
            Err(E::Assertion)
        );
    }

    /// Attack case 27.
    #[test]
    fn the_body_may_not_name_another_client() {
        assert_eq!(
            parse(Some(&header("a:b")), "client_id=other"),
            Err(E::Mismatch)
        );
    }

    #[test]
    fn malformed_headers_are_refused() {
        for bad in [
            "",
            "Basic",
            "Basic ",
            "Basic !!",
            "Bearer abc",
            "Basic YQ==",
            "Negotiate x",
        ] {
            assert_eq!(parse(Some(bad), "client_id=a"), Err(E::Malformed), "{bad}");
        }
        for bad in [":b", "a:", "a%zz:b", "a:%00"] {
            assert_eq!(parse(Some(&header(bad)), ""), Err(E::Malformed), "{bad}");
        }
        assert_eq!(parse(None, ""), Err(E::Missing));
        assert_eq!(parse(None, "client_secret=x"), Err(E::Missing));
    }

    #[test]
    fn secrets_never_print() {
        let credentials = parse(Some(&header("a:hunter2")), "").unwrap();
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse(Some(&text), "client_id=a");
            let _ = parse(Some(&format!("Basic {}", STANDARD.encode(bytes))), "");
        }
    }
}
