//! Which claims of a person leave, given what was granted.

use serde_json::{Map, Value, json};

use crate::accounts::profile::Profile;
use crate::domain::instant::Instant;
use crate::protocol::scope::{self, Scope};

/// The claims of a person that a scope value clears (OpenID Connect Core §5.4), as far as this
/// provider holds them. Document numbers are in no scope: they leave under a clearance only.
const CLAIMS_OF_SCOPE: &[(&str, &[&str])] = &[
    (scope::PROFILE, &["name", "updated_at"]),
    (scope::PHONE, &["phone_number", "phone_number_verified"]),
    (scope::EMAIL, &["email", "email_verified"]),
];

/// Every claim of a person that this provider can send.
pub fn supported_claims() -> impl Iterator<Item = &'static str> {
    CLAIMS_OF_SCOPE.iter().flat_map(|(_, claims)| claims.iter().copied())
}

/// The claims a scope reaches.
pub fn claims_of(scope: &Scope) -> impl Iterator<Item = &'static str> {
    CLAIMS_OF_SCOPE
        .iter()
        .filter(|(value, _)| scope.contains(value))
        .flat_map(|(_, claims)| claims.iter().copied())
}

/// The scope value that clears a claim; a client asks for a claim by name only if it registered
/// that scope.
pub fn scope_of(claim: &str) -> Option<&'static str> {
    CLAIMS_OF_SCOPE.iter().find(|(_, claims)| claims.contains(&claim)).map(|(value, _)| *value)
}

/// The values of the wanted claims. What is not known is left out (Core §5.3.2).
pub fn values<'a>(
    wanted: impl Iterator<Item = &'a str>,
    profile: &Profile,
    changed_at: Instant,
) -> Map<String, Value> {
    wanted
        .filter_map(|claim| Some((claim.to_owned(), value(claim, profile, changed_at)?)))
        .collect()
}

fn value(claim: &str, profile: &Profile, changed_at: Instant) -> Option<Value> {
    match claim {
        "name" => Some(json!(profile.name.as_str())),
        "updated_at" => Some(json!(changed_at.as_seconds())),
        "phone_number" => profile.phones.first().map(|phone| json!(phone.as_str())),
        "phone_number_verified" => profile.phones.first().map(|_| json!(true)),
        "email" => profile.emails.first().map(|email| json!(email.as_str())),
        "email_verified" => profile.emails.first().map(|_| json!(false)),
        _ => None,
    }
}
