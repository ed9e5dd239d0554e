//! The `claims` parameter: single claims, where to deliver them, and how much they matter (OIDC
//! Core §5.5).
//!
//! Unknown claims are ignored, sizes and depth are bounded before anything is built, and what is
//! kept is only what this provider can act on. That a claim is asked for does not make it allowed:
//! [`ClaimsRequest::limited_to`] cuts a request down to what the client is cleared for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::acr::AcrRequest;
use super::scope::{EMAIL, PHONE, PROFILE, Scope};

/// A claim about the resident that can be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// The name as proven.
    Name,
    /// The phone number, E.164.
    PhoneNumber,
    /// Whether the phone is confirmed.
    PhoneNumberVerified,
    /// The e-mail address.
    Email,
    /// Whether the address is confirmed.
    EmailVerified,
}

impl Claim {
    /// Every claim, for discovery.
    pub const ALL: [Self; 5] = [
        Self::Name,
        Self::PhoneNumber,
        Self::PhoneNumberVerified,
        Self::Email,
        Self::EmailVerified,
    ];

    /// The claim's registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::PhoneNumber => "phone_number",
            Self::PhoneNumberVerified => "phone_number_verified",
            Self::Email => "email",
            Self::EmailVerified => "email_verified",
        }
    }

    /// The scope that asks for it and clears it (OIDC Core §5.4).
    #[must_use]
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Name => PROFILE,
            Self::PhoneNumber | Self::PhoneNumberVerified => PHONE,
            Self::Email | Self::EmailVerified => EMAIL,
        }
    }

    /// The claims that `scope` asks for.
    pub fn of_scope(scope: &Scope) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(|claim| scope.contains(claim.scope()))
    }

    /// The claim of a registered name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|claim| claim.as_str() == name)
    }
}

/// How much a claim matters to the client. An essential one that is missing is still no error
/// (OIDC Core §5.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Necessity {
    /// Wanted.
    Voluntary,
    /// Needed.
    Essential,
}

/// Claims of one place of delivery.
pub type RequestedClaims = BTreeMap<Claim, Necessity>;

/// What `claims` asks for, as far as this provider knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClaimsRequest {
    userinfo: RequestedClaims,
    id_token: RequestedClaims,
    acr: AcrRequest,
    subject: Option<String>,
}

/// Why `claims` cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsRequestError {
    /// Longer than any honest request.
    #[error("claims is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Nested deeper than any honest request.
    #[error("claims is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Not JSON.
    #[error("claims is not valid JSON")]
    NotJson,
    /// JSON, but not of the form of OIDC Core §5.5.
    #[error("claims does not have the form of OpenID Connect Core section 5.5")]
    Form,
}

const MAX_BYTES: usize = 8 * 1024;
const MAX_DEPTH: usize = 12;

impl ClaimsRequest {
    /// Reads `claims`.
    pub fn parse(text: &str) -> Result<Self, ClaimsRequestError> {
        if text.len() > MAX_BYTES {
            return Err(ClaimsRequestError::TooLong);
        }
        if depth(text) > MAX_DEPTH {
            return Err(ClaimsRequestError::TooDeep);
        }
        let request: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| match error.classify() {
                serde_json::error::Category::Data => ClaimsRequestError::Form,
                serde_json::error::Category::Io
                | serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof => ClaimsRequestError::NotJson,
            })?;
        let mut parsed = Self::default();
        if let Some(members) = section(&request, "userinfo")? {
            parsed.userinfo = personal(members)?;
            parsed.subject = subject(members)?;
        }
        if let Some(members) = section(&request, "id_token")? {
            parsed.id_token = personal(members)?;
            parsed.acr = acr(members)?;
            // A subject named in the ID token decides; in userinfo it is the same wish.
            parsed.subject = subject(members)?.or(parsed.subject);
        }
        Ok(parsed)
    }

    /// The request without claims whose scope is not in `cleared`.
    #[must_use]
    pub fn limited_to(mut self, cleared: &Scope) -> Self {
        self.userinfo
            .retain(|claim, _| cleared.contains(claim.scope()));
        self.id_token
            .retain(|claim, _| cleared.contains(claim.scope()));
        self
    }

    /// Claims wanted from userinfo.
    #[must_use]
    pub const fn userinfo(&self) -> &RequestedClaims {
        &self.userinfo
    }

    /// Claims wanted in the ID token.
    #[must_use]
    pub const fn id_token(&self) -> &RequestedClaims {
        &self.id_token
    }

    /// What is demanded of `acr`.
    #[must_use]
    pub const fn acr(&self) -> &AcrRequest {
        &self.acr
    }

    /// The one subject for whom the request may succeed (OIDC Core §5.5.1, `sub` with a value).
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }
}

type Members = Map<String, Value>;

fn section<'a>(
    request: &'a Members,
    name: &str,
) -> Result<Option<&'a Members>, ClaimsRequestError> {
    match request.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(ClaimsRequestError::Form),
    }
}

fn personal(members: &Members) -> Result<RequestedClaims, ClaimsRequestError> {
    let known = members
        .iter()
        .filter_map(|(name, detail)| Some((Claim::parse(name)?, detail)));
    known
        .map(|(claim, detail)| Ok((claim, Detail::read(detail)?.necessity)))
        .collect()
}

fn acr(members: &Members) -> Result<AcrRequest, ClaimsRequestError> {
    let Some(detail) = members.get("acr") else {
        return Ok(AcrRequest::Any);
    };
    let detail = Detail::read(detail)?;
    Ok(match (detail.necessity, detail.values) {
        // Essential without values: the claim must be there, which it always is.
        (_, None) => AcrRequest::Any,
        (Necessity::Voluntary, Some(values)) => AcrRequest::voluntary(&values),
        (Necessity::Essential, Some(values)) => AcrRequest::essential(&values),
    })
}

fn subject(members: &Members) -> Result<Option<String>, ClaimsRequestError> {
    let Some(detail) = members.get("sub") else {
        return Ok(None);
    };
    let values = Detail::read(detail)?.values.unwrap_or_default();
    // Several subjects in one request are a probe, not a need.
    if values.len() > 1 {
        return Err(ClaimsRequestError::Form);
    }
    Ok(values.first().map(|&value| value.to_owned()))
}

/// `null`, or an object with `essential`, `value`, `values`.
struct Detail<'a> {
    necessity: Necessity,
    /// Values that are text; absent when the request names none. Others match nothing of ours.
    values: Option<Vec<&'a str>>,
}

impl<'a> Detail<'a> {
    fn read(value: &'a Value) -> Result<Self, ClaimsRequestError> {
        let members = match value {
            Value::Null => {
                return Ok(Self {
                    necessity: Necessity::Voluntary,
                    values: None,
                });
            }
            Value::Object(members) => members,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(ClaimsRequestError::Form);
            }
        };
        let necessity = match members.get("essential") {
            None | Some(Value::Null | Value::Bool(false)) => Necessity::Voluntary,
            Some(Value::Bool(true)) => Necessity::Essential,
            Some(_) => return Err(ClaimsRequestError::Form),
        };
        let values = match (members.get("value"), members.get("values")) {
            (None, None) => None,
            (Some(value), None) => Some(value.as_str().into_iter().collect()),
            (None, Some(Value::Array(values))) => {
                Some(values.iter().filter_map(Value::as_str).collect())
            }
            _ => return Err(ClaimsRequestError::Form),
        };
        Ok(Self { necessity, values })
    }
}

/// How deep brackets nest outside of strings, without building anything.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests;
