//! Client metadata as sent (RFC 7591 §2, OIDC Registration §2, OIDC logout specifications): the
//! types of members are checked, nothing else is.
//!
//! Members that the server sets itself (`client_id`, `client_secret` and the like) have no place
//! here, so a registration cannot bring them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ClientKeys, ClientMetadata};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::redirect_uri::RedirectUri;

macro_rules! raw_metadata {
    ($($member:ident: $kind:ty,)*) => {
        /// Client metadata as sent, all of it optional.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        #[expect(missing_docs, reason = "the members are named and defined by the specifications")]
        pub struct RawClientMetadata {
            $(
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $member: Option<$kind>,
            )*
            /// Members with language tags, and those that we do not know.
            #[serde(flatten)]
            pub other: Map<String, Value>,
        }
    };
}

raw_metadata! {
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: String,
    grant_types: Vec<String>,
    response_types: Vec<String>,
    client_name: String,
    client_uri: String,
    logo_uri: String,
    tos_uri: String,
    policy_uri: String,
    contacts: Vec<String>,
    scope: String,
    jwks_uri: String,
    jwks: Value,
    software_id: String,
    software_version: String,
    application_type: String,
    sector_identifier_uri: String,
    subject_type: String,
    id_token_signed_response_alg: String,
    default_max_age: u32,
    require_auth_time: bool,
    default_acr_values: Vec<String>,
    initiate_login_uri: String,
    post_logout_redirect_uris: Vec<String>,
    backchannel_logout_uri: String,
    backchannel_logout_session_required: bool,
    security_profile: String,
    legal_basis: String,
    purpose: String,
}

/// The longest metadata document.
const MAX_BYTES: usize = 64 * 1024;

impl RawClientMetadata {
    /// Members that are neither ours nor a version of one in some language: they are not
    /// registered (RFC 7591 §2), which whoever wrote them should hear.
    #[must_use]
    pub fn ignored(&self) -> Vec<&str> {
        const LOCALIZED: [&str; 6] = [
            "client_name",
            "client_uri",
            "logo_uri",
            "tos_uri",
            "policy_uri",
            "purpose",
        ];
        let ours = |member: &str| {
            let name = member.split_once('#').map(|(name, _)| name);
            name.is_some_and(|name| LOCALIZED.contains(&name))
        };
        let names = self.other.keys().map(String::as_str);
        names.filter(|member| !ours(member)).collect()
    }

    /// Reads a JSON document.
    pub fn from_json(json: &[u8]) -> Result<Self, OAuthError> {
        if json.len() > MAX_BYTES {
            return Err(ErrorCode::InvalidClientMetadata.because("the metadata is too long"));
        }
        serde_json::from_slice(json).map_err(|error| {
            ErrorCode::InvalidClientMetadata.because(format!("the metadata is malformed: {error}"))
        })
    }
}

/// RFC 7591 §3.2.1: the registered metadata, defaults included.
impl From<ClientMetadata> for RawClientMetadata {
    fn from(client: ClientMetadata) -> Self {
        let mut other = Map::new();
        let pages = &client.pages;
        let (jwks, jwks_uri) = match &client.keys {
            ClientKeys::None => (None, None),
            ClientKeys::Inline(set) => (serde_json::to_value(set).ok(), None),
            ClientKeys::At(uri) => (None, Some(uri.to_string())),
        };
        let texts = |uris: &[RedirectUri]| uris.iter().map(ToString::to_string).collect();
        Self {
            redirect_uris: Some(texts(&client.redirect_uris)),
            token_endpoint_auth_method: Some(client.auth_method.to_string()),
            grant_types: Some(client.grant_types.iter().map(ToString::to_string).collect()),
            response_types: Some(
                client
                    .response_types
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            ),
            client_name: pages.name.write("client_name", &mut other),
            client_uri: pages.client_uri.write("client_uri", &mut other),
            logo_uri: pages.logo_uri.write("logo_uri", &mut other),
            tos_uri: pages.tos_uri.write("tos_uri", &mut other),
            policy_uri: pages.policy_uri.write("policy_uri", &mut other),
            purpose: pages.purpose.write("purpose", &mut other),
            contacts: unless_empty(client.contacts.iter().map(ToString::to_string).collect()),
            scope: Some(client.scope.to_string()),
            jwks_uri,
            jwks,
            software_id: client.software_id.map(Into::into),
            software_version: client.software_version.map(Into::into),
            application_type: Some(client.application_type.as_str().to_owned()),
            sector_identifier_uri: client.sector_identifier_uri.map(Into::into),
            subject_type: Some(client.subject_type.to_string()),
            id_token_signed_response_alg: Some(client.id_token_algorithm.to_string()),
            default_max_age: client.authentication.max_age,
            require_auth_time: Some(client.authentication.require_auth_time),
            default_acr_values: unless_empty(
                client
                    .authentication
                    .acr_values
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            ),
            initiate_login_uri: client.initiate_login_uri.map(Into::into),
            post_logout_redirect_uris: unless_empty(texts(
                &client.logout.post_logout_redirect_uris,
            )),
            backchannel_logout_uri: client.logout.backchannel_logout_uri.map(Into::into),
            backchannel_logout_session_required: Some(
                client.logout.backchannel_logout_session_required,
            ),
            security_profile: Some(client.security_profile.to_string()),
            legal_basis: Some(client.legal_basis.to_string()),
            other,
        }
    }
}

fn unless_empty(values: Vec<String>) -> Option<Vec<String>> {
    Some(values).filter(|values| !values.is_empty())
}
