//! The token response (RFC 6749 §5.1, OIDC Core §3.1.3.3).

use serde::Serialize;

use super::scope::Scope;
use super::text::SecretText;

/// How an access token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TokenType {
    /// By whoever holds it (RFC 6750).
    Bearer,
}

/// Tokens for a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenResponse {
    /// For APIs.
    pub access_token: SecretText,
    /// How to present it.
    pub token_type: TokenType,
    /// Its life in seconds.
    pub expires_in: u64,
    /// For more access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<SecretText>,
    /// Who logged in and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<SecretText>,
    /// What was granted: always said, since it may be less than what was asked for.
    #[serde(skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_issued_is_not_named() {
        let response = TokenResponse {
            access_token: "a".into(),
            token_type: TokenType::Bearer,
            expires_in: 300,
            refresh_token: None,
            id_token: None,
            scope: "openid".parse().unwrap(),
        };
        assert_eq!(
            serde_json::to_string(&response).unwrap(),
            r#"{"access_token":"a","token_type":"Bearer","expires_in":300,"scope":"openid"}"#
        );
        assert!(!format!("{response:?}").contains("\"a\""));
    }
}
