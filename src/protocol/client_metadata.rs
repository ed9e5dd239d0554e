//! What is registered about a client (RFC 7591, OIDC Registration, OIDC logout, and our own
//! members `security_profile`, `legal_basis`, `purpose`).
//!
//! Holding a [`ClientMetadata`] is the proof that every member is well-formed, that the members
//! agree with one another, and that no member can act in a browser as anything but a web address.
//! It serializes to RFC 7591 JSON. Secrets, identifiers and states are not metadata.

mod grants;
pub mod localized;
pub mod raw;
mod reading;
pub mod registration;
pub mod values;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use self::localized::Localized;
use self::raw::RawClientMetadata;
use self::values::{
    GrantType, LegalBasis, ResponseType, SecurityProfile, SubjectType, TokenEndpointAuthMethod,
};
use super::acr::Acr;
use super::error::{ErrorCode, OAuthError};
use super::jose::{JwkSet, SignatureAlgorithm};
use super::redirect_uri::{ApplicationType, RedirectUri};
use super::scope::Scope;
use super::text::DisplayText;
use super::web_uri::WebUri;

/// A client's registered metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawClientMetadata", into = "RawClientMetadata")]
pub struct ClientMetadata {
    redirect_uris: Vec<RedirectUri>,
    auth_method: TokenEndpointAuthMethod,
    grant_types: BTreeSet<GrantType>,
    response_types: BTreeSet<ResponseType>,
    pages: ClientPages,
    contacts: Vec<DisplayText>,
    scope: Scope,
    keys: ClientKeys,
    software_id: Option<DisplayText>,
    software_version: Option<DisplayText>,
    application_type: ApplicationType,
    sector_identifier_uri: Option<WebUri>,
    subject_type: SubjectType,
    sector: Option<String>,
    id_token_algorithm: SignatureAlgorithm,
    authentication: AuthenticationDefaults,
    initiate_login_uri: Option<WebUri>,
    logout: LogoutMetadata,
    security_profile: SecurityProfile,
    legal_basis: LegalBasis,
}

/// What pages show of a client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientPages {
    /// Its name.
    pub name: Localized<DisplayText>,
    /// Its home page.
    pub client_uri: Localized<WebUri>,
    /// Its picture.
    pub logo_uri: Localized<WebUri>,
    /// Its terms.
    pub tos_uri: Localized<WebUri>,
    /// Its privacy policy.
    pub policy_uri: Localized<WebUri>,
    /// Why it wants to know who enters.
    pub purpose: Localized<DisplayText>,
}

/// Where a client's public keys are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClientKeys {
    /// Nowhere.
    #[default]
    None,
    /// In the metadata.
    Inline(JwkSet),
    /// At an address.
    At(WebUri),
}

/// What a client expects of every login unless a request says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthenticationDefaults {
    /// The oldest login, in seconds.
    pub max_age: Option<u32>,
    /// Whether ID tokens always carry `auth_time`.
    pub require_auth_time: bool,
    /// The `acr` values asked for.
    pub acr_values: Vec<Acr>,
}

/// How a client takes part in logout.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogoutMetadata {
    /// Where a browser may return to after logout.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Where logout tokens are sent (OIDC Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<WebUri>,
    /// Whether a logout token must name the session.
    pub backchannel_logout_session_required: bool,
}

impl ClientMetadata {
    /// Every redirect URI.
    #[must_use]
    pub fn redirect_uris(&self) -> &[RedirectUri] {
        &self.redirect_uris
    }

    /// Whether `presented` is one of the redirect URIs.
    #[must_use]
    pub fn allows_redirect(&self, presented: &str) -> bool {
        self.redirect_uris
            .iter()
            .any(|uri| uri.matches(presented, self.application_type))
    }

    /// Whether `presented` is one of the post-logout redirect URIs.
    #[must_use]
    pub fn allows_post_logout_redirect(&self, presented: &str) -> bool {
        let uris = &self.logout.post_logout_redirect_uris;
        uris.iter()
            .any(|uri| uri.matches(presented, self.application_type))
    }

    /// How it authenticates at the token endpoint.
    #[must_use]
    pub const fn auth_method(&self) -> TokenEndpointAuthMethod {
        self.auth_method
    }

    /// Whether it cannot keep a secret (RFC 6749 §2.1).
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self.auth_method, TokenEndpointAuthMethod::None)
    }

    /// Whether it may use `grant_type`.
    #[must_use]
    pub fn allows_grant(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether it may ask for `response_type`.
    #[must_use]
    pub fn allows_response(&self, response_type: ResponseType) -> bool {
        self.response_types.contains(&response_type)
    }

    /// Whether a request without PKCE is refused: always for the `portal` profile and for public
    /// clients (RFC 9700 §2.1.1).
    #[must_use]
    pub const fn requires_pkce(&self) -> bool {
        self.is_public() || matches!(self.security_profile, SecurityProfile::Portal)
    }

    /// What pages show of it.
    #[must_use]
    pub const fn pages(&self) -> &ClientPages {
        &self.pages
    }

    /// Whom to ask about it.
    #[must_use]
    pub fn contacts(&self) -> &[DisplayText] {
        &self.contacts
    }

    /// The scopes it may ask for.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Where its keys are.
    #[must_use]
    pub const fn keys(&self) -> &ClientKeys {
        &self.keys
    }

    /// Where it runs.
    #[must_use]
    pub const fn application_type(&self) -> ApplicationType {
        self.application_type
    }

    /// The address of the sector's list of redirect URIs, which the caller fetches for
    /// [`ClientMetadata::check_sector_document`].
    #[must_use]
    pub const fn sector_identifier_uri(&self) -> Option<&WebUri> {
        self.sector_identifier_uri.as_ref()
    }

    /// Whether sectors see different subjects.
    #[must_use]
    pub const fn subject_type(&self) -> SubjectType {
        self.subject_type
    }

    /// The sector: a host name. None for clients that residents never enter, and for clients with
    /// public subjects on several hosts.
    #[must_use]
    pub fn sector(&self) -> Option<&str> {
        self.sector.as_deref()
    }

    /// How its ID tokens are signed.
    #[must_use]
    pub const fn id_token_algorithm(&self) -> SignatureAlgorithm {
        self.id_token_algorithm
    }

    /// What it expects of every login.
    #[must_use]
    pub const fn authentication(&self) -> &AuthenticationDefaults {
        &self.authentication
    }

    /// Where others may send a resident to start a login there (OIDC Core §4).
    #[must_use]
    pub const fn initiate_login_uri(&self) -> Option<&WebUri> {
        self.initiate_login_uri.as_ref()
    }

    /// How it takes part in logout.
    #[must_use]
    pub const fn logout(&self) -> &LogoutMetadata {
        &self.logout
    }

    /// What the protocol demands of it.
    #[must_use]
    pub const fn security_profile(&self) -> SecurityProfile {
        self.security_profile
    }

    /// On what ground it receives personal data.
    #[must_use]
    pub const fn legal_basis(&self) -> LegalBasis {
        self.legal_basis
    }

    /// Whether the fetched document at `sector_identifier_uri` lists every redirect URI (OIDC
    /// Registration §5).
    pub fn check_sector_document(&self, document: &[String]) -> Result<(), OAuthError> {
        let listed = |uri: &&RedirectUri| document.iter().any(|text| text == uri.as_str());
        match self.redirect_uris.iter().find(|uri| !listed(uri)) {
            None => Ok(()),
            Some(uri) => Err(bad(
                "sector_identifier_uri",
                format_args!("points to a document that does not list {uri}"),
            )),
        }
    }
}

/// The error about one member.
fn bad(member: &str, why: impl fmt::Display) -> OAuthError {
    ErrorCode::InvalidClientMetadata.because(format!("{member} {why}"))
}

#[cfg(test)]
mod tests;
