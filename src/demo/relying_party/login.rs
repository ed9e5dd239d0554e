//! Somebody who has entered: what was received, verified.

use chrono::{DateTime, Utc};
use openidconnect::core::{CoreIdToken, CoreTokenResponse};
use openidconnect::{
    AccessToken, AdditionalClaims, OAuth2TokenResponse, RefreshToken, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::RelyingPartyError;
use crate::crypto::encoding;
use crate::domain::instant::Instant;

/// The members of a JSON object, by name.
pub(in crate::demo) type Members = Map<String, Value>;

/// Userinfo claims beside those that the crate knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AllClaims(Members);

impl AdditionalClaims for AllClaims {}

/// Whether the person typed anything at the provider to enter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::demo) enum Entered {
    /// They logged in there for this.
    ByLoggingIn,
    /// They had logged in before.
    WithAnEarlierLogin,
}

impl Entered {
    /// `auth_time` has whole seconds, rounded down.
    pub(super) fn judge(auth_time: Option<DateTime<Utc>>, began_at: Instant) -> Self {
        match auth_time {
            Some(at) if at.timestamp() < began_at.as_seconds() => Self::WithAnEarlierLogin,
            Some(_) | None => Self::ByLoggingIn,
        }
    }
}

/// Who has entered, and how: the same as long as they are logged in at the portal.
#[derive(Debug, Clone)]
pub(super) struct Entrant {
    /// `sub`: who, as this portal knows them.
    pub(super) subject: String,
    pub(super) entered: Entered,
}

/// An answer of the token endpoint, and what its access token fetched.
pub(super) struct Received<'a> {
    pub(super) answer: &'a CoreTokenResponse,
    pub(super) userinfo: Members,
    pub(super) at: Instant,
}

/// Somebody who has entered.
pub(in crate::demo) struct Login {
    entrant: Entrant,
    id_token: CoreIdToken,
    access_token: AccessToken,
    refresh_token: Option<RefreshToken>,
    id_claims: Members,
    userinfo: Members,
    expires_at: Option<Instant>,
}

impl Login {
    pub(super) fn new(
        entrant: Entrant,
        id_token: CoreIdToken,
        received: Received<'_>,
    ) -> Result<Self, RelyingPartyError> {
        let Received {
            answer,
            userinfo,
            at,
        } = received;
        let Some(Value::Object(id_claims)) = part(&id_token.to_string(), 1) else {
            return Err(RelyingPartyError::NoIdToken);
        };
        Ok(Self {
            entrant,
            id_token,
            access_token: answer.access_token().clone(),
            refresh_token: answer.refresh_token().cloned(),
            id_claims,
            userinfo,
            expires_at: answer.expires_in().map(|life| at.plus(life)),
        })
    }

    /// The same person with what a refresh brought; what it did not bring stays (RFC 6749 §6).
    pub(super) fn renewed(&self, received: Received<'_>) -> Result<Self, RelyingPartyError> {
        let id_token = received.answer.id_token().unwrap_or(&self.id_token).clone();
        let mut renewed = Self::new(self.entrant.clone(), id_token, received)?;
        if renewed.refresh_token.is_none() {
            renewed.refresh_token.clone_from(&self.refresh_token);
        }
        Ok(renewed)
    }

    /// `sub`.
    pub(in crate::demo) fn subject(&self) -> &str {
        &self.entrant.subject
    }

    /// `sid`: the login at the provider.
    pub(in crate::demo) fn sid(&self) -> Option<&str> {
        self.id_claims.get("sid").and_then(Value::as_str)
    }

    pub(in crate::demo) fn entered(&self) -> Entered {
        self.entrant.entered
    }

    pub(super) fn id_token(&self) -> &CoreIdToken {
        &self.id_token
    }

    pub(in crate::demo) fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    /// The ID token's claims.
    pub(in crate::demo) fn id_claims(&self) -> &Members {
        &self.id_claims
    }

    /// What userinfo answered.
    pub(in crate::demo) fn userinfo(&self) -> &Members {
        &self.userinfo
    }

    /// When the access token ends.
    pub(in crate::demo) fn expires_at(&self) -> Option<Instant> {
        self.expires_at
    }

    /// What the portal calls the person.
    pub(in crate::demo) fn display_name(&self) -> &str {
        let name = self
            .userinfo
            .get("name")
            .or_else(|| self.id_claims.get("name"));
        name.and_then(Value::as_str).unwrap_or(self.subject())
    }

    /// The tokens by name, decoded where they are JWTs. A portal has no business reading an access
    /// token; this one shows what is in it because it is there to show things.
    pub(in crate::demo) fn tokens(&self) -> Vec<(&'static str, String)> {
        let mut tokens = vec![
            ("id_token", decoded(&self.id_token.to_string())),
            ("access_token", decoded(self.access_token.secret())),
        ];
        if let Some(token) = &self.refresh_token {
            tokens.push(("refresh_token", token.secret().clone()));
        }
        tokens
    }
}

/// Header and claims of a JWT; any other token as it is.
fn decoded(token: &str) -> String {
    let parts = [part(token, 0), part(token, 1)];
    let printed: Option<Vec<String>> = parts
        .iter()
        .map(|part| serde_json::to_string_pretty(part.as_ref()?).ok())
        .collect();
    printed.map_or_else(|| token.to_owned(), |parts| parts.join("\n.\n"))
}

fn part(token: &str, number: usize) -> Option<Value> {
    serde_json::from_slice(&encoding::decode(token.split('.').nth(number)?)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_is_decoded_and_anything_else_is_left() {
        let jwt = format!(
            "{}.{}.c2ln",
            encoding::encode(br#"{"alg":"RS256"}"#),
            encoding::encode(br#"{"sub":"x"}"#)
        );
        let shown = decoded(&jwt);
        assert!(shown.contains("\"alg\": \"RS256\"") && shown.contains("\"sub\": \"x\""));
        for other in ["", "opaque", "a.b", "a.b.c", "e30.x.y"] {
            assert_eq!(decoded(other), other);
        }
    }

    #[test]
    fn an_earlier_login_is_told_from_one_for_this_visit() {
        let began = Instant::from_millis(10_500);
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        assert_eq!(Entered::judge(at(9), began), Entered::WithAnEarlierLogin);
        assert_eq!(Entered::judge(at(10), began), Entered::ByLoggingIn);
        assert_eq!(Entered::judge(at(11), began), Entered::ByLoggingIn);
        assert_eq!(Entered::judge(None, began), Entered::ByLoggingIn);
    }
}
