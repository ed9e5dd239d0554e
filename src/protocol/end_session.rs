//! Logout that a client starts (OIDC RP-Initiated Logout 1.0 §2).
//!
//! Whom to log out and where to go afterwards are proven separately: the resident by the session
//! or the hint, the destination by the client's metadata. Without a proven client there is no
//! destination, only our own page.

use super::authorization_request::MAX_STATE;
use super::authorization_response::append_query;
use super::client_metadata::ClientMetadata;
use super::error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::redirect_uri::origin_of;
use super::text::SecretText;
use super::ui::Locales;
use serde::{Deserialize, Serialize};

/// A request to log out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndSessionRequest {
    /// An ID token of the resident, not verified yet.
    pub id_token_hint: Option<SecretText>,
    /// Another hint at the resident, or the session's `sid`.
    pub logout_hint: Option<SecretText>,
    /// Who asks, if not said by the hint.
    pub client_id: Option<String>,
    /// Where to go afterwards, not proven yet.
    pub post_logout_redirect_uri: Option<String>,
    /// To be sent back there.
    pub state: Option<String>,
    /// Languages for pages.
    pub ui_locales: Locales,
}

/// Where a browser may go after logout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutTarget {
    uri: String,
    state: Option<String>,
}

/// The longest hint, in bytes.
const MAX_HINT: usize = 8 * 1024;

impl EndSessionRequest {
    /// Reads a query string or form body; all parameters are optional.
    pub fn parse(parameters: &Parameters) -> Result<Self, OAuthError> {
        let bounded = |name: &str, max: usize| match parameters.get(name) {
            Some(value) if value.len() > max => Err(ErrorCode::InvalidRequest
                .because(format!("the parameter '{name}' is longer than {max} bytes"))),
            value => Ok(value),
        };
        Ok(Self {
            id_token_hint: bounded("id_token_hint", MAX_HINT)?.map(SecretText::from),
            logout_hint: bounded("logout_hint", 256)?.map(SecretText::from),
            client_id: bounded("client_id", 512)?.map(str::to_owned),
            post_logout_redirect_uri: bounded("post_logout_redirect_uri", 2048)?.map(str::to_owned),
            state: bounded("state", MAX_STATE)?.map(str::to_owned),
            ui_locales: Locales::parse(parameters.get("ui_locales").unwrap_or_default()),
        })
    }

    /// Proves the destination for the client that asks; nothing if none was asked for.
    pub fn target(&self, client: &ClientMetadata) -> Result<Option<LogoutTarget>, OAuthError> {
        let Some(uri) = &self.post_logout_redirect_uri else {
            return Ok(None);
        };
        if !client.allows_post_logout_redirect(uri) {
            return Err(ErrorCode::InvalidRequest.because(
                "the post_logout_redirect_uri is not registered for this client; it must match exactly",
            ));
        }
        Ok(Some(LogoutTarget {
            uri: uri.clone(),
            state: self.state.clone(),
        }))
    }
}

impl LogoutTarget {
    /// The address for the `Location` header.
    #[must_use]
    pub fn to_location(&self) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        append_query(&self.uri, state.as_slice())
    }

    /// What `form-action` of a page that leads here must allow.
    #[must_use]
    pub fn origin(&self) -> String {
        origin_of(&self.uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client_metadata::raw::RawClientMetadata;
    use crate::protocol::client_metadata::registration::RegistrationPolicy;

    fn parse(query: &str) -> EndSessionRequest {
        EndSessionRequest::parse(&Parameters::parse(query.as_bytes()).unwrap()).unwrap()
    }

    fn client() -> ClientMetadata {
        let raw = RawClientMetadata {
            redirect_uris: Some(vec!["https://p.example/cb".into()]),
            post_logout_redirect_uris: Some(vec!["https://p.example/bye?x=1".into()]),
            ..RawClientMetadata::default()
        };
        ClientMetadata::register(raw, &RegistrationPolicy::default()).unwrap()
    }

    #[test]
    fn the_destination_is_registered_to_the_letter() {
        let request = parse("post_logout_redirect_uri=https://p.example/bye?x%3D1&state=a%26b");
        let target = request.target(&client()).unwrap().unwrap();
        assert_eq!(
            target.to_location(),
            "https://p.example/bye?x=1&state=a%26b"
        );
        assert_eq!(target.origin(), "https://p.example");
        for uri in [
            "https://p.example/bye",
            "https://p.example/cb",
            "https://evil.test/bye?x%3D1",
        ] {
            let request = parse(&format!("post_logout_redirect_uri={uri}"));
            assert!(request.target(&client()).is_err(), "{uri}");
        }
    }

    #[test]
    fn no_parameters_is_a_fine_request() {
        assert_eq!(parse(""), EndSessionRequest::default());
        assert_eq!(parse("state=x").target(&client()), Ok(None));
    }
}
