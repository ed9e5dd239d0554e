//! Token introspection (RFC 7662).

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::acr::{Aal, Acr, Ial};
use super::error::OAuthError;
use super::parameters::Parameters;
use super::revocation::TokenTypeHint;
use super::scope::Scope;
use super::text::SecretText;

/// A question about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntrospectionRequest {
    /// The token.
    pub token: SecretText,
    /// What the asker believes it to be.
    pub hint: Option<TokenTypeHint>,
}

impl IntrospectionRequest {
    /// Reads the request's body.
    pub fn parse(body: &Parameters) -> Result<Self, OAuthError> {
        let token = SecretText::from(body.require("token")?);
        Ok(Self {
            token,
            hint: TokenTypeHint::from_parameters(body),
        })
    }
}

/// The answer. Whatever is wrong with a token, the asker learns only that it is not active
/// (RFC 7662 §2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntrospectionResponse {
    /// Unknown, expired, revoked, or not for the asker.
    Inactive,
    /// Good.
    Active(Box<ActiveToken>),
}

/// What is said of a good token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveToken {
    /// This provider.
    pub iss: String,
    /// Who, as the client's sector knows them.
    pub sub: String,
    /// The API that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    /// The client that it was issued to.
    pub client_id: String,
    /// What it allows.
    #[serde(skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// `Bearer` for access tokens; refresh tokens have no type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<super::token_response::TokenType>,
    /// Until when it is good, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// When it was made, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// Its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// When the resident logged in, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The level that the request asked for and got (RFC 9470 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    /// How well the login is assured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aal: Option<Aal>,
    /// How well the person is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ial: Option<Ial>,
}

impl Serialize for IntrospectionResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Active<'a> {
            active: bool,
            #[serde(flatten)]
            token: &'a ActiveToken,
        }
        match self {
            Self::Inactive => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("active", &false)?;
                map.end()
            }
            Self::Active(token) => Active {
                active: true,
                token,
            }
            .serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::error::ErrorCode;
    use serde_json::json;

    #[test]
    fn an_inactive_token_says_nothing_else() {
        let json = serde_json::to_string(&IntrospectionResponse::Inactive).unwrap();
        assert_eq!(json, r#"{"active":false}"#);
    }

    #[test]
    fn an_active_token_carries_both_levels() {
        let token = ActiveToken {
            iss: "https://id.example".into(),
            sub: "s".into(),
            aud: None,
            client_id: "c".into(),
            scope: "openid".parse().unwrap(),
            token_type: None,
            exp: Some(2),
            iat: None,
            jti: None,
            auth_time: None,
            acr: Some(Acr::Authentication(Aal::One)),
            aal: Some(Aal::One),
            ial: Some(Ial::Three),
        };
        assert_eq!(
            serde_json::to_value(IntrospectionResponse::Active(Box::new(token))).unwrap(),
            json!({
                "active": true, "iss": "https://id.example", "sub": "s", "client_id": "c",
                "scope": "openid", "exp": 2, "acr": "urn:tongxing:aal:1", "aal": 1, "ial": 3,
            })
        );
    }

    #[test]
    fn the_token_is_required_and_the_hint_is_not() {
        let parse =
            |body: &str| IntrospectionRequest::parse(&Parameters::parse(body.as_bytes()).unwrap());
        let request = parse("token=hunter2&token_type_hint=refresh_token").unwrap();
        assert_eq!(request.hint, Some(TokenTypeHint::RefreshToken));
        assert!(!format!("{request:?}").contains("hunter2"));
        assert_eq!(
            parse("token_type_hint=x").unwrap_err().code(),
            ErrorCode::InvalidRequest
        );
    }
}
