//! The rules of the authorization request, in the order in which they are asked.

use super::{AuthorizationRequest, RedirectTarget, Refused};
use crate::protocol::acr::AcrRequest;
use crate::protocol::claims_request::ClaimsRequest;
use crate::protocol::client_metadata::ClientMetadata;
use crate::protocol::client_metadata::values::{GrantType, ResponseMode, ResponseType};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::parameters::{Parameters, RawParameters};
use crate::protocol::pkce::{CodeChallenge, S256};
use crate::protocol::prompt::Prompts;
use crate::protocol::resource::ResourceIndicator;
use crate::protocol::scope::{OFFLINE_ACCESS, SUPPORTED, Scope};
use crate::protocol::text::SecretText;
use crate::protocol::ui::{Display, Locales};

/// The longest `nonce`, in bytes.
const MAX_NONCE: usize = 256;
/// The longest `login_hint` worth showing, in bytes.
const MAX_LOGIN_HINT: usize = 256;
/// The longest `id_token_hint`, in bytes.
const MAX_HINT: usize = 8 * 1024;

pub(super) fn validate(
    raw: &RawParameters,
    target: RedirectTarget,
    client: &ClientMetadata,
) -> Result<AuthorizationRequest, Box<Refused>> {
    match check(raw, &target, client) {
        Ok(request) => Ok(request),
        Err(error) => Err(Box::new(Refused { target, error })),
    }
}

fn check(
    raw: &RawParameters,
    target: &RedirectTarget,
    client: &ClientMetadata,
) -> Result<AuthorizationRequest, OAuthError> {
    refuse_request_objects(raw)?;
    // RFC 6749 §3.1; the ones that decide the destination were asked for before.
    let parameters = raw.clone().into_unique()?;
    check_response(&parameters, client)?;
    let claims = claims(&parameters, client)?;
    Ok(AuthorizationRequest {
        client_id: parameters.require("client_id")?.to_owned(),
        target: target.clone(),
        scope: scope(&parameters, client)?,
        nonce: nonce(&parameters)?,
        code_challenge: code_challenge(&parameters, client)?,
        prompts: prompts(&parameters)?,
        max_age: max_age(&parameters, client)?,
        id_token_hint: id_token_hint(&parameters)?,
        login_hint: login_hint(&parameters),
        acr: acr(&parameters, &claims, client),
        claims,
        resource: ResourceIndicator::from_parameters(&parameters)?,
        ui_locales: Locales::parse(parameters.get("ui_locales").unwrap_or_default()),
        claims_locales: Locales::parse(parameters.get("claims_locales").unwrap_or_default()),
        display: Display::parse(parameters.get("display").unwrap_or_default()),
    })
}

/// OIDC Core §3.1.2.6: said first, since everything else might be inside of the object.
fn refuse_request_objects(raw: &RawParameters) -> Result<(), OAuthError> {
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if raw.has(name) {
            return Err(code.because(format!("the parameter '{name}' is not supported")));
        }
    }
    Ok(())
}

fn check_response(parameters: &Parameters, client: &ClientMetadata) -> Result<(), OAuthError> {
    if parameters.require("response_type")? != ResponseType::Code.as_str() {
        return Err(ErrorCode::UnsupportedResponseType
            .because("only response_type=code is supported; see RFC 9700 section 2.1.2"));
    }
    if !client.allows_response(ResponseType::Code)
        || !client.allows_grant(GrantType::AuthorizationCode)
    {
        return Err(ErrorCode::UnauthorizedClient
            .because("the client is not registered for the authorization_code grant"));
    }
    match parameters.get("response_mode") {
        None => Ok(()),
        Some(mode) if mode == ResponseMode::Query.as_str() => Ok(()),
        Some(_) => Err(ErrorCode::InvalidRequest.because("only response_mode=query is supported")),
    }
}

/// A scope that exists but is not the client's is an error, one that does not exist is ignored
/// (OIDC Core §3.1.2.1) unless nothing remains. `offline_access` is ignored for a client that
/// could not use what it asks for (OIDC Core §11).
fn scope(parameters: &Parameters, client: &ClientMetadata) -> Result<Scope, OAuthError> {
    let invalid = |why: String| ErrorCode::InvalidScope.because(why);
    let text = parameters
        .get("scope")
        .ok_or_else(|| invalid("the parameter 'scope' is missing; send at least openid".into()))?;
    let asked: Scope = text
        .parse()
        .map_err(|error| invalid(format!("scope: {error}")))?;
    let granted = asked.intersection(client.scope());
    let beyond = asked.difference(client.scope());
    if let Some(token) = beyond.iter().find(|token| SUPPORTED.contains(token)) {
        return Err(invalid(format!(
            "the scope '{token}' is not registered for this client"
        )));
    }
    if granted.is_empty() {
        return Err(invalid("no scope that was asked for exists here".into()));
    }
    if client.allows_grant(GrantType::RefreshToken) {
        Ok(granted)
    } else {
        Ok(granted.without(OFFLINE_ACCESS))
    }
}

fn nonce(parameters: &Parameters) -> Result<Option<String>, OAuthError> {
    match parameters.get("nonce") {
        Some(nonce) if nonce.len() > MAX_NONCE => Err(ErrorCode::InvalidRequest.because(format!(
            "the parameter 'nonce' is longer than {MAX_NONCE} bytes"
        ))),
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

/// RFC 7636 §4.3, RFC 9700 §2.1.1. Attack cases 17 and 18.
fn code_challenge(
    parameters: &Parameters,
    client: &ClientMetadata,
) -> Result<Option<CodeChallenge>, OAuthError> {
    let invalid = |why| ErrorCode::InvalidRequest.because(why);
    match (
        parameters.get("code_challenge"),
        parameters.get("code_challenge_method"),
    ) {
        (None, None) if client.requires_pkce() => Err(invalid(
            "this client must use PKCE: send code_challenge with method S256",
        )),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(invalid(
            "code_challenge_method is sent without code_challenge",
        )),
        (Some(challenge), Some(S256)) => CodeChallenge::parse(challenge).map(Some).map_err(|_| {
            invalid("code_challenge is not the base64url text of a SHA-256 digest (43 characters)")
        }),
        // RFC 7636 §4.3: no method means plain.
        (Some(_), _) => Err(invalid("code_challenge_method must be S256")),
    }
}

fn prompts(parameters: &Parameters) -> Result<Prompts, OAuthError> {
    Prompts::parse(parameters.get("prompt").unwrap_or_default())
        .map_err(|error| ErrorCode::InvalidRequest.because(error.to_string()))
}

fn max_age(parameters: &Parameters, client: &ClientMetadata) -> Result<Option<u32>, OAuthError> {
    let Some(text) = parameters.get("max_age") else {
        return Ok(client.authentication().max_age);
    };
    // Digits only: `parse` alone would also take a sign.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) || text.len() > 18 {
        return Err(ErrorCode::InvalidRequest.because("max_age is not a number of seconds"));
    }
    // A hundred years and more are all the same.
    let seconds = text.parse::<u64>().unwrap_or(u64::MAX);
    Ok(Some(u32::try_from(seconds).unwrap_or(u32::MAX)))
}

fn id_token_hint(parameters: &Parameters) -> Result<Option<SecretText>, OAuthError> {
    match parameters.get("id_token_hint") {
        Some(hint) if hint.len() > MAX_HINT => {
            Err(ErrorCode::InvalidRequest.because("the parameter 'id_token_hint' is too long"))
        }
        hint => Ok(hint.map(SecretText::from)),
    }
}

/// A wish: what cannot be shown is ignored.
fn login_hint(parameters: &Parameters) -> Option<SecretText> {
    let hint = parameters.get("login_hint")?;
    let fits = hint.len() <= MAX_LOGIN_HINT && !hint.chars().any(char::is_control);
    fits.then(|| SecretText::from(hint))
}

fn claims(parameters: &Parameters, client: &ClientMetadata) -> Result<ClaimsRequest, OAuthError> {
    let Some(text) = parameters.get("claims") else {
        return Ok(ClaimsRequest::default());
    };
    ClaimsRequest::parse(text)
        .map(|claims| claims.limited_to(client.scope()))
        .map_err(|error| ErrorCode::InvalidRequest.because(error.to_string()))
}

/// A demand by claim goes before the wish of `acr_values`, and both before the client's default.
fn acr(parameters: &Parameters, claims: &ClaimsRequest, client: &ClientMetadata) -> AcrRequest {
    if *claims.acr() != AcrRequest::Any {
        return claims.acr().clone();
    }
    match parameters.get("acr_values") {
        Some(values) => AcrRequest::from_acr_values(values),
        None if client.authentication().acr_values.is_empty() => AcrRequest::Any,
        None => AcrRequest::Voluntary(client.authentication().acr_values.clone()),
    }
}
