//! The authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.1) as a chain of types, one per
//! proven fact:
//!
//! ```text
//! RawAuthorizationRequest          decoded; perhaps repeated, perhaps nonsense
//!   └─ .identify(client)        ─► RedirectTarget        redirect URI exact; errors may go there
//!        └─ .validate(client)   ─► AuthorizationRequest  every parameter parsed and permitted
//! ```
//!
//! RFC 6749 §4.1.2.1: before the client and its redirect URI are proven, an error is shown on a
//! page ([`Unverified`]) and never sent anywhere; after it, it goes to the target ([`Refused`]).
//! That `client` is the client named by [`RawAuthorizationRequest::client_id`] is the caller's duty.

mod validation;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::acr::AcrRequest;
use super::claims_request::ClaimsRequest;
use super::client_metadata::ClientMetadata;
use super::client_metadata::values::ResponseMode;
use super::error::{ErrorCode, OAuthError};
use super::parameters::{ParametersError, RawParameters};
use super::pkce::CodeChallenge;
use super::prompt::Prompts;
use super::redirect_uri::origin_of;
use super::resource::ResourceIndicator;
use super::scope::Scope;
use super::text::SecretText;
use super::ui::{Display, Locales};
use super::web_uri::WebUri;

/// The longest `state`, in bytes.
pub const MAX_STATE: usize = 2048;
/// The longest `client_id`, in bytes: more than any identifier of ours, less than a flood.
const MAX_CLIENT_ID: usize = 512;

/// Why a request gets a page instead of a redirect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// The parameters cannot be read, or one that decides the destination is repeated.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// No `client_id`.
    #[error("the parameter 'client_id' is missing")]
    MissingClientId,
    /// No client of that name, or it is suspended.
    #[error("the client is not registered here")]
    UnknownClient,
    /// No `redirect_uri`: OIDC Core §3.1.2.1 requires it, even if only one is registered.
    #[error("the parameter 'redirect_uri' is missing")]
    MissingRedirectUri,
    /// A redirect URI that is not registered, character by character.
    #[error("the redirect_uri is not registered for this client; it must match exactly{0}")]
    RedirectUriMismatch(Mismatch),
    /// A `state` too long to be sent back.
    #[error("the parameter 'state' is longer than {MAX_STATE} bytes")]
    StateTooLong,
}

impl Unverified {
    /// What the page says.
    #[must_use]
    pub fn to_oauth(&self) -> OAuthError {
        let code = match self {
            Self::UnknownClient => ErrorCode::InvalidClient,
            Self::Parameters(_)
            | Self::MissingClientId
            | Self::MissingRedirectUri
            | Self::RedirectUriMismatch(_)
            | Self::StateTooLong => ErrorCode::InvalidRequest,
        };
        code.because(self.to_string())
    }
}

/// What may be said of a redirect URI that is not registered: its origin, which a developer knows
/// their mistake by. Not the whole of it, which would put a stranger's sentence on a page of ours,
/// and nothing that is registered, which is the client's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    origin: Option<String>,
    origin_is_registered: bool,
}

impl Mismatch {
    /// Longer ones are no origin that anybody mistakes for theirs.
    const LONGEST: usize = 100;

    fn of(redirect_uri: &str, client: &ClientMetadata) -> Self {
        let origin = WebUri::parse(redirect_uri).map(|uri| uri.origin()).ok();
        let origin = origin.filter(|origin| origin.len() <= Self::LONGEST);
        let registered = client.redirect_uris().iter();
        let origin_is_registered = registered
            .map(|uri| origin_of(uri.as_str()))
            .any(|registered| origin.as_ref() == Some(&registered));
        Self {
            origin,
            origin_is_registered,
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            None => f.write_str(" (received: no web address)"),
            Some(origin) if self.origin_is_registered => write!(
                f,
                " (received: one of {origin}, where another one is registered: compare path, query \
                 and slash at the end)"
            ),
            Some(origin) => write!(
                f,
                " (received: one of {origin}, where none is registered: compare scheme, host and port)"
            ),
        }
    }
}

/// A request that is refused, and where its client is told so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Refused {
    /// Where the error goes.
    pub target: RedirectTarget,
    /// The error.
    pub error: OAuthError,
}

/// A request as sent.
#[derive(Debug, Clone)]
pub struct RawAuthorizationRequest(RawParameters);

impl RawAuthorizationRequest {
    /// Decodes a query string or form body.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unverified> {
        Ok(Self(RawParameters::parse(bytes)?))
    }

    /// Who claims to ask.
    pub fn client_id(&self) -> Result<&str, Unverified> {
        let client_id = self
            .0
            .once("client_id")?
            .ok_or(Unverified::MissingClientId)?;
        if client_id.len() > MAX_CLIENT_ID {
            Err(Unverified::UnknownClient)
        } else {
            Ok(client_id)
        }
    }

    /// Proves where answers may be sent.
    pub fn identify(&self, client: &ClientMetadata) -> Result<RedirectTarget, Unverified> {
        let redirect_uri = self
            .0
            .once("redirect_uri")?
            .ok_or(Unverified::MissingRedirectUri)?;
        if !client.allows_redirect(redirect_uri) {
            return Err(Unverified::RedirectUriMismatch(Mismatch::of(
                redirect_uri,
                client,
            )));
        }
        // A state that came twice cannot be sent back: it is not known which one is the client's.
        let state = self.0.once("state")?;
        if state.is_some_and(|state| state.len() > MAX_STATE) {
            return Err(Unverified::StateTooLong);
        }
        Ok(RedirectTarget {
            redirect_uri: redirect_uri.to_owned(),
            response_mode: ResponseMode::Query,
            state: state.map(str::to_owned),
        })
    }

    /// The languages asked for, for an error page: a wish, so never an error.
    #[must_use]
    pub fn ui_locales(&self) -> Locales {
        Locales::parse(self.0.once("ui_locales").ok().flatten().unwrap_or_default())
    }

    /// Proves everything else.
    pub fn validate(
        &self,
        target: RedirectTarget,
        client: &ClientMetadata,
    ) -> Result<AuthorizationRequest, Box<Refused>> {
        validation::validate(&self.0, target, client)
    }
}

/// Where answers to a request may be sent: a redirect URI that its client has registered, the
/// response mode, and the state to send back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectTarget {
    redirect_uri: String,
    response_mode: ResponseMode,
    state: Option<String>,
}

impl RedirectTarget {
    /// The redirect URI as presented.
    #[must_use]
    pub const fn redirect_uri(&self) -> &str {
        self.redirect_uri.as_str()
    }

    /// The client's own memory of the request.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// How the answer travels.
    #[must_use]
    pub const fn response_mode(&self) -> ResponseMode {
        self.response_mode
    }

    /// What `form-action` of a page that leads here must allow: browsers apply it to the whole
    /// chain of redirects after a form is sent.
    #[must_use]
    pub fn origin(&self) -> String {
        origin_of(&self.redirect_uri)
    }
}

/// A request of which every parameter is parsed and permitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    client_id: String,
    target: RedirectTarget,
    scope: Scope,
    nonce: Option<String>,
    code_challenge: Option<CodeChallenge>,
    prompts: Prompts,
    max_age: Option<u32>,
    id_token_hint: Option<SecretText>,
    login_hint: Option<SecretText>,
    acr: AcrRequest,
    claims: ClaimsRequest,
    resource: Option<ResourceIndicator>,
    ui_locales: Locales,
    claims_locales: Locales,
    display: Display,
}

impl AuthorizationRequest {
    /// Who asks.
    #[must_use]
    pub const fn client_id(&self) -> &str {
        self.client_id.as_str()
    }

    /// Where answers go.
    #[must_use]
    pub const fn target(&self) -> &RedirectTarget {
        &self.target
    }

    /// The scopes asked for, all of them registered.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// To be repeated in the ID token.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// What the verifier at redemption must hash to; without one, no verifier may come (RFC 9700
    /// §4.8.2).
    #[must_use]
    pub const fn code_challenge(&self) -> Option<&CodeChallenge> {
        self.code_challenge.as_ref()
    }

    /// Which pages are wanted.
    #[must_use]
    pub const fn prompts(&self) -> &Prompts {
        &self.prompts
    }

    /// The oldest login that will do, in seconds: the request's, else the client's.
    #[must_use]
    pub const fn max_age(&self) -> Option<u32> {
        self.max_age
    }

    /// An ID token of the resident who is expected, not verified yet.
    #[must_use]
    pub const fn id_token_hint(&self) -> Option<&SecretText> {
        self.id_token_hint.as_ref()
    }

    /// What to put into the login form.
    #[must_use]
    pub const fn login_hint(&self) -> Option<&SecretText> {
        self.login_hint.as_ref()
    }

    /// What is demanded of `acr`: by claim, else by `acr_values`, else by the client's default.
    #[must_use]
    pub const fn acr(&self) -> &AcrRequest {
        &self.acr
    }

    /// Single claims asked for, cut down to what the client is cleared for.
    #[must_use]
    pub const fn claims(&self) -> &ClaimsRequest {
        &self.claims
    }

    /// The API that the access token is for, if not this provider's own.
    #[must_use]
    pub const fn resource(&self) -> Option<&ResourceIndicator> {
        self.resource.as_ref()
    }

    /// Languages for pages.
    #[must_use]
    pub const fn ui_locales(&self) -> &Locales {
        &self.ui_locales
    }

    /// Languages for claims.
    #[must_use]
    pub const fn claims_locales(&self) -> &Locales {
        &self.claims_locales
    }

    /// The kind of window.
    #[must_use]
    pub const fn display(&self) -> Display {
        self.display
    }

    /// Refuses this request: the error goes to the client.
    #[must_use]
    pub fn refuse(&self, error: OAuthError) -> Refused {
        Refused {
            target: self.target.clone(),
            error,
        }
    }
}

#[cfg(test)]
mod tests;
