//! The token request (RFC 6749 §4.1.3, §4.4.2, §6; RFC 7636 §4.5; RFC 8707 §2.2).

use super::client_metadata::values::GrantType;
use super::error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::pkce::CodeVerifier;
use super::resource::ResourceIndicator;
use super::scope::Scope;
use super::text::SecretText;

/// A request for tokens, by what is exchanged for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRequest {
    /// A code.
    AuthorizationCode {
        /// The code.
        code: SecretText,
        /// The redirect URI that the code was sent to; it must be the same again.
        redirect_uri: Option<String>,
        /// What the challenge was made from.
        code_verifier: Option<CodeVerifier>,
        /// The API that the token is for.
        resource: Option<ResourceIndicator>,
    },
    /// A refresh token.
    RefreshToken {
        /// The token.
        refresh_token: SecretText,
        /// Fewer scopes than before.
        scope: Option<Scope>,
        /// The API that the token is for.
        resource: Option<ResourceIndicator>,
    },
    /// The client's own authentication.
    ClientCredentials {
        /// The scopes asked for.
        scope: Option<Scope>,
        /// The API that the token is for.
        resource: Option<ResourceIndicator>,
    },
}

/// The longest code or refresh token, in bytes: longer ones are not ours.
const MAX_TOKEN: usize = 4096;

impl TokenRequest {
    /// Reads a token request's body.
    pub fn parse(body: &Parameters) -> Result<Self, OAuthError> {
        let grant_type: GrantType = body.require("grant_type")?.parse().map_err(|_| {
            ErrorCode::UnsupportedGrantType.because("the grant_type is not supported")
        })?;
        let resource = ResourceIndicator::from_parameters(body)?;
        Ok(match grant_type {
            GrantType::AuthorizationCode => Self::AuthorizationCode {
                code: token(body, "code")?,
                redirect_uri: body.get("redirect_uri").map(str::to_owned),
                code_verifier: code_verifier(body)?,
                resource,
            },
            GrantType::RefreshToken => Self::RefreshToken {
                refresh_token: token(body, "refresh_token")?,
                scope: scope(body)?,
                resource,
            },
            GrantType::ClientCredentials => Self::ClientCredentials {
                scope: scope(body)?,
                resource,
            },
        })
    }

    /// The API that the token is for.
    #[must_use]
    pub const fn resource(&self) -> Option<&ResourceIndicator> {
        match self {
            Self::AuthorizationCode { resource, .. }
            | Self::RefreshToken { resource, .. }
            | Self::ClientCredentials { resource, .. } => resource.as_ref(),
        }
    }

    /// The grant type, which the client must be registered for.
    #[must_use]
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
        }
    }
}

fn token(body: &Parameters, name: &str) -> Result<SecretText, OAuthError> {
    let text = body.require(name)?;
    if text.len() > MAX_TOKEN {
        return Err(ErrorCode::InvalidGrant.because(format!("the {name} is not one of ours")));
    }
    Ok(SecretText::from(text))
}

fn code_verifier(body: &Parameters) -> Result<Option<CodeVerifier>, OAuthError> {
    let verifier = body
        .get("code_verifier")
        .map(CodeVerifier::parse)
        .transpose();
    verifier.map_err(|_| {
        ErrorCode::InvalidRequest
            .because("code_verifier must have 43 to 128 characters of A-Z a-z 0-9 - . _ ~")
    })
}

fn scope(body: &Parameters) -> Result<Option<Scope>, OAuthError> {
    let scope = body.get("scope").map(str::parse).transpose();
    scope.map_err(|error| ErrorCode::InvalidScope.because(format!("scope: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(body: &str) -> Result<TokenRequest, OAuthError> {
        TokenRequest::parse(&Parameters::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn each_grant_type_brings_its_own() {
        let code = parse("grant_type=authorization_code&code=c&redirect_uri=https://p.example/cb");
        assert!(matches!(
            code,
            Ok(TokenRequest::AuthorizationCode {
                redirect_uri: Some(_),
                code_verifier: None,
                ..
            })
        ));
        let refresh = parse("grant_type=refresh_token&refresh_token=r&scope=openid").unwrap();
        assert_eq!(refresh.grant_type(), GrantType::RefreshToken);
        let own = parse("grant_type=client_credentials&resource=https://api.example/").unwrap();
        assert!(matches!(
            own,
            TokenRequest::ClientCredentials {
                scope: None,
                resource: Some(_)
            }
        ));
    }

    /// Attack case 30: the password grant does not exist.
    #[test]
    fn other_grants_do_not_exist() {
        for grant in [
            "password",
            "implicit",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ] {
            let error = parse(&format!("grant_type={grant}&username=a&password=b")).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UnsupportedGrantType);
        }
        assert_eq!(
            parse("code=c").unwrap_err().code(),
            ErrorCode::InvalidRequest
        );
    }

    /// Attack case 17.
    #[test]
    fn malformed_parts_are_refused() {
        let short = "a".repeat(42);
        let long = "a".repeat(MAX_TOKEN + 1);
        for (body, code) in [
            (
                "grant_type=authorization_code".to_owned(),
                ErrorCode::InvalidRequest,
            ),
            (
                format!("grant_type=authorization_code&code=c&code_verifier={short}"),
                ErrorCode::InvalidRequest,
            ),
            (
                format!("grant_type=authorization_code&code={long}"),
                ErrorCode::InvalidGrant,
            ),
            (
                "grant_type=refresh_token&refresh_token=r&scope=a%22b".to_owned(),
                ErrorCode::InvalidScope,
            ),
            (
                "grant_type=client_credentials&resource=x".to_owned(),
                ErrorCode::InvalidTarget,
            ),
        ] {
            assert_eq!(parse(&body).unwrap_err().code(), code, "{body}");
        }
    }

    #[test]
    fn tokens_never_print() {
        let request = parse("grant_type=refresh_token&refresh_token=hunter2").unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn never_panics(body in "(grant_type=(authorization_code|refresh_token|client_credentials)&)?[a-z_=&%+0-9]{0,80}") {
            if let Ok(parameters) = Parameters::parse(body.as_bytes()) {
                let _ = TokenRequest::parse(&parameters);
            }
        }
    }
}
