//! Token revocation (RFC 7009). A token that is unknown or another client's is answered like one
//! that was revoked.

use super::error::OAuthError;
use super::parameters::Parameters;
use super::text::SecretText;

/// What a client believes a token to be. Only a hint: a wrong one changes nothing (RFC 7009 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenTypeHint {
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
}

impl TokenTypeHint {
    /// Reads `token_type_hint`; unknown hints are ignored.
    pub(super) fn from_parameters(body: &Parameters) -> Option<Self> {
        match body.get("token_type_hint")? {
            "access_token" => Some(Self::AccessToken),
            "refresh_token" => Some(Self::RefreshToken),
            _ => None,
        }
    }
}

/// The wish to end a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRequest {
    /// The token.
    pub token: SecretText,
    /// What the client believes it to be.
    pub hint: Option<TokenTypeHint>,
}

impl RevocationRequest {
    /// Reads the request's body.
    pub fn parse(body: &Parameters) -> Result<Self, OAuthError> {
        let token = SecretText::from(body.require("token")?);
        Ok(Self {
            token,
            hint: TokenTypeHint::from_parameters(body),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_hints_are_ignored() {
        let parse =
            |body: &str| RevocationRequest::parse(&Parameters::parse(body.as_bytes()).unwrap());
        assert_eq!(parse("token=t&token_type_hint=saml").unwrap().hint, None);
        let request = parse("token=t&token_type_hint=access_token").unwrap();
        assert_eq!(request.hint, Some(TokenTypeHint::AccessToken));
        assert!(parse("token=").is_err());
    }
}
