//! From metadata as sent to metadata as registered (RFC 7591 §2, OIDC Registration §2), and back.
//!
//! Members are read one by one, then checked against one another. The same reading serves the
//! database, so a stored client is checked as strictly as a new one; only what the installation
//! allows ([`RegistrationPolicy`]) is asked at registration alone.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::grants::Grants;
use super::localized::Localized;
use super::raw::RawClientMetadata;
use super::reading::{member, vocabulary};
use super::values::{GrantType, LegalBasis, SecurityProfile, SubjectType};
use super::{AuthenticationDefaults, ClientKeys, ClientMetadata, ClientPages, LogoutMetadata, bad};
use crate::protocol::acr::Acr;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::jose::{JwkSet, SignatureAlgorithm};
use crate::protocol::redirect_uri::{ApplicationType, RedirectUri};
use crate::protocol::scope::{OPENID, Scope};
use crate::protocol::text::DisplayText;
use crate::protocol::web_uri::WebUri;

/// What an installation allows to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// The profile of clients that name none.
    pub default_profile: SecurityProfile,
    /// The scopes that exist.
    pub scopes: Scope,
}

/// For clients that an operator registers.
impl Default for RegistrationPolicy {
    fn default() -> Self {
        Self {
            default_profile: SecurityProfile::Portal,
            scopes: Scope::supported(),
        }
    }
}

const MAX_URIS: usize = 32;
const MAX_CONTACTS: usize = 10;

/// Members that ask for protection or encryption we do not give yet. Ignoring them would leave the
/// client believing that it is protected.
const NOT_SUPPORTED: [&str; 14] = [
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "authorization_signed_response_alg",
    "authorization_encrypted_response_alg",
    "introspection_signed_response_alg",
    "introspection_encrypted_response_alg",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "software_statement",
];

impl ClientMetadata {
    /// Checks metadata that is to be registered.
    pub fn register(
        mut raw: RawClientMetadata,
        policy: &RegistrationPolicy,
    ) -> Result<Self, OAuthError> {
        if raw.security_profile.is_none() {
            raw.security_profile = Some(policy.default_profile.as_str().to_owned());
        }
        let metadata = Self::try_from(raw)?;
        let unknown = metadata.scope.difference(&policy.scopes);
        if unknown.is_empty() {
            Ok(metadata)
        } else {
            Err(bad(
                "scope",
                format_args!("has values that do not exist here: {unknown}"),
            ))
        }
    }
}

impl TryFrom<RawClientMetadata> for ClientMetadata {
    type Error = OAuthError;

    fn try_from(raw: RawClientMetadata) -> Result<Self, OAuthError> {
        Self::read(&raw).map_err(|first| with_the_others(&raw, &first))
    }
}

impl ClientMetadata {
    fn read(raw: &RawClientMetadata) -> Result<Self, OAuthError> {
        refuse_unsupported(&raw.other)?;
        let grants = Grants::read(raw)?;
        let application_type = application_type(raw.application_type.as_deref())?;
        let redirect_uris = redirect_uris(raw.redirect_uris.as_deref(), application_type)?;
        if grants.has(GrantType::AuthorizationCode) && redirect_uris.is_empty() {
            let why = "at least one is required for the authorization_code grant";
            return Err(ErrorCode::InvalidRedirectUri.because(format!("redirect_uris: {why}")));
        }
        let sector_identifier_uri = member(
            "sector_identifier_uri",
            raw.sector_identifier_uri.as_deref(),
            WebUri::parse,
        )?;
        let subject_type = vocabulary("subject_type", raw.subject_type.as_deref())?;
        let sector = sector(&redirect_uris, sector_identifier_uri.as_ref(), subject_type)?;
        let logout = logout(raw, application_type)?;
        Ok(Self {
            pages: pages(raw)?,
            contacts: contacts(raw.contacts.as_deref().unwrap_or_default())?,
            scope: scope(raw.scope.as_deref(), &grants)?,
            keys: keys(raw)?,
            software_id: member(
                "software_id",
                raw.software_id.as_deref(),
                DisplayText::parse,
            )?,
            software_version: member(
                "software_version",
                raw.software_version.as_deref(),
                DisplayText::parse,
            )?,
            id_token_algorithm: vocabulary(
                "id_token_signed_response_alg",
                raw.id_token_signed_response_alg.as_deref(),
            )?,
            authentication: authentication(raw)?,
            initiate_login_uri: member(
                "initiate_login_uri",
                raw.initiate_login_uri.as_deref(),
                WebUri::parse,
            )?,
            security_profile: security_profile(raw.security_profile.as_deref())?,
            legal_basis: vocabulary("legal_basis", raw.legal_basis.as_deref())?,
            auth_method: grants.auth_method,
            grant_types: grants.grant_types,
            response_types: grants.response_types,
            redirect_uris,
            application_type,
            sector_identifier_uri,
            subject_type,
            sector,
            logout,
        })
    }
}

/// The first fault and, for whoever has to mend them, those of the members that can be read without
/// it.
fn with_the_others(raw: &RawClientMetadata, first: &OAuthError) -> OAuthError {
    let uri = |name, text: &Option<String>| member(name, text.as_deref(), WebUri::parse).err();
    let text =
        |name, text: &Option<String>| member(name, text.as_deref(), DisplayText::parse).err();
    let algorithm = raw.id_token_signed_response_alg.as_deref();
    let application = application_type(raw.application_type.as_deref());
    let known = application.as_ref().ok().copied();
    let redirects = known.and_then(|it| redirect_uris(raw.redirect_uris.as_deref(), it).err());
    let grants = Grants::read(raw);
    let scope = grants
        .as_ref()
        .ok()
        .map(|it| scope(raw.scope.as_deref(), it));
    let found = [
        refuse_unsupported(&raw.other).err(),
        grants.err(),
        application.err(),
        redirects,
        uri("sector_identifier_uri", &raw.sector_identifier_uri),
        vocabulary::<SubjectType>("subject_type", raw.subject_type.as_deref()).err(),
        known.and_then(|it| logout(raw, it).err()),
        pages(raw).err(),
        contacts(raw.contacts.as_deref().unwrap_or_default()).err(),
        scope.and_then(Result::err),
        keys(raw).err(),
        text("software_id", &raw.software_id),
        text("software_version", &raw.software_version),
        vocabulary::<SignatureAlgorithm>("id_token_signed_response_alg", algorithm).err(),
        authentication(raw).err(),
        uri("initiate_login_uri", &raw.initiate_login_uri),
        security_profile(raw.security_profile.as_deref()).err(),
        vocabulary::<LegalBasis>("legal_basis", raw.legal_basis.as_deref()).err(),
    ];
    let others = found.iter().flatten().filter(|other| *other != first);
    let told = others.fold(first.description().to_owned(), |told, other| {
        format!("{told}; {}", other.description())
    });
    first.code().because(told)
}

fn refuse_unsupported(other: &Map<String, Value>) -> Result<(), OAuthError> {
    let asks = |name: &&&str| {
        !matches!(
            other.get(**name),
            None | Some(Value::Null | Value::Bool(false))
        )
    };
    match NOT_SUPPORTED.iter().find(asks) {
        None => Ok(()),
        Some(name) => Err(bad(name, "is not supported by this provider")),
    }
}

/// A profile that we know of but cannot keep is refused with that reason.
fn security_profile(text: Option<&str>) -> Result<SecurityProfile, OAuthError> {
    match text {
        Some("fapi2" | "fapi_ciba") => Err(bad(
            "security_profile",
            "fapi2 and fapi_ciba are not supported by this provider",
        )),
        text => vocabulary("security_profile", text),
    }
}

fn application_type(text: Option<&str>) -> Result<ApplicationType, OAuthError> {
    match text {
        None | Some("web") => Ok(ApplicationType::Web),
        Some("native") => Ok(ApplicationType::Native),
        Some(_) => Err(bad("application_type", "is not one of: web, native")),
    }
}

fn redirect_uris(
    texts: Option<&[String]>,
    application: ApplicationType,
) -> Result<Vec<RedirectUri>, OAuthError> {
    let refuse = |why: String| ErrorCode::InvalidRedirectUri.because(why);
    let texts = texts.unwrap_or_default();
    if texts.len() > MAX_URIS {
        return Err(refuse(format!(
            "redirect_uris has more than {MAX_URIS} entries"
        )));
    }
    let register = |text: &String| {
        RedirectUri::register(text, application)
            .map_err(|error| refuse(format!("the redirect URI '{text}' {error}")))
    };
    texts.iter().map(register).collect()
}

/// DESIGN §3, Subjects; OIDC Core §8.1.
fn sector(
    redirect_uris: &[RedirectUri],
    sector_identifier_uri: Option<&WebUri>,
    subject_type: SubjectType,
) -> Result<Option<String>, OAuthError> {
    if let Some(uri) = sector_identifier_uri {
        return Ok(Some(uri.host()));
    }
    let hosts: BTreeSet<String> = redirect_uris.iter().map(RedirectUri::host).collect();
    match (hosts.len(), subject_type) {
        (0 | 1, _) => Ok(hosts.into_iter().next()),
        (_, SubjectType::Public) => Ok(None),
        (_, SubjectType::Pairwise) => Err(bad(
            "sector_identifier_uri",
            "is required for pairwise subjects when redirect_uris are on several hosts",
        )),
    }
}

fn pages(raw: &RawClientMetadata) -> Result<ClientPages, OAuthError> {
    let text = |name, plain: &Option<String>| {
        Localized::read(name, plain.as_deref(), &raw.other, DisplayText::parse)
    };
    let uri = |name, plain: &Option<String>| {
        Localized::read(name, plain.as_deref(), &raw.other, WebUri::parse)
    };
    Ok(ClientPages {
        name: text("client_name", &raw.client_name)?,
        client_uri: uri("client_uri", &raw.client_uri)?,
        logo_uri: uri("logo_uri", &raw.logo_uri)?,
        tos_uri: uri("tos_uri", &raw.tos_uri)?,
        policy_uri: uri("policy_uri", &raw.policy_uri)?,
        purpose: text("purpose", &raw.purpose)?,
    })
}

fn contacts(texts: &[String]) -> Result<Vec<DisplayText>, OAuthError> {
    if texts.len() > MAX_CONTACTS {
        return Err(bad(
            "contacts",
            format_args!("has more than {MAX_CONTACTS} entries"),
        ));
    }
    let parse = |text: &String| DisplayText::parse(text).map_err(|error| bad("contacts", error));
    texts.iter().map(parse).collect()
}

/// Default: `openid` for clients that residents enter, nothing for the others.
fn scope(text: Option<&str>, grants: &Grants) -> Result<Scope, OAuthError> {
    let default = if grants.has(GrantType::AuthorizationCode) {
        OPENID
    } else {
        ""
    };
    text.unwrap_or(default)
        .parse()
        .map_err(|error| bad("scope", error))
}

fn keys(raw: &RawClientMetadata) -> Result<ClientKeys, OAuthError> {
    match (&raw.jwks, &raw.jwks_uri) {
        (None, None) => Ok(ClientKeys::None),
        (Some(jwks), None) => JwkSet::from_untrusted(jwks)
            .map(ClientKeys::Inline)
            .map_err(|error| bad("jwks", error)),
        (None, Some(uri)) => WebUri::parse(uri)
            .map(ClientKeys::At)
            .map_err(|error| bad("jwks_uri", error)),
        (Some(_), Some(_)) => Err(bad("jwks", "and jwks_uri exclude each other; send one")),
    }
}

fn authentication(raw: &RawClientMetadata) -> Result<AuthenticationDefaults, OAuthError> {
    let acr = |text: &String| {
        Acr::parse(text).ok_or_else(|| {
            bad(
                "default_acr_values",
                "has a value that this provider does not know",
            )
        })
    };
    let values = raw.default_acr_values.as_deref().unwrap_or_default();
    let mut acr_values = Vec::new();
    for value in values.iter().map(acr) {
        let value = value?;
        if !acr_values.contains(&value) {
            acr_values.push(value);
        }
    }
    Ok(AuthenticationDefaults {
        max_age: raw.default_max_age,
        require_auth_time: raw.require_auth_time.unwrap_or_default(),
        acr_values,
    })
}

fn logout(
    raw: &RawClientMetadata,
    application: ApplicationType,
) -> Result<LogoutMetadata, OAuthError> {
    let texts = raw.post_logout_redirect_uris.as_deref().unwrap_or_default();
    if texts.len() > MAX_URIS {
        return Err(bad(
            "post_logout_redirect_uris",
            format_args!("has more than {MAX_URIS} entries"),
        ));
    }
    let register = |text: &String| {
        RedirectUri::register(text, application).map_err(|error| {
            bad(
                "post_logout_redirect_uris",
                format_args!("'{text}' {error}"),
            )
        })
    };
    Ok(LogoutMetadata {
        post_logout_redirect_uris: texts.iter().map(register).collect::<Result<_, _>>()?,
        backchannel_logout_uri: member(
            "backchannel_logout_uri",
            raw.backchannel_logout_uri.as_deref(),
            WebUri::parse,
        )?,
        backchannel_logout_session_required: raw
            .backchannel_logout_session_required
            .unwrap_or_default(),
    })
}
