//! Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.6): which login the provider says has
//! ended.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::login::Members;
use super::{Discovered, RelyingParty, RelyingPartyError};
use crate::crypto::jwt::{ExpectedType, JwtError, verify_jwt};
use crate::crypto::verifying::VerifyingKey;
use crate::domain::instant::Instant;
use crate::protocol::jose::{JwtHeader, SignatureAlgorithm};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How far two clocks may be apart.
const SKEW: Duration = Duration::from_secs(30);
/// An older token has been kept by somebody.
const LONGEST_LIFE: Duration = Duration::from_mins(5);

/// What has been heard lately, by `jti`, and when that token expires.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<HashMap<String, Instant>>);

impl Heard {
    /// Whether a name is new. What has expired is refused anyway and need not be remembered.
    fn is_new(&self, jti: &str, (expires_at, now): (Instant, Instant)) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|_, until| now < *until);
        heard.insert(jti.to_owned(), expires_at).is_none()
    }
}

/// What a good logout token says.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::demo) enum LogoutCall {
    /// The login with this `sid` has ended.
    Ended(String),
    /// The same was heard before: it is acknowledged again, and nothing more.
    Repeated,
}

impl RelyingParty {
    /// Verifies a logout token.
    pub(in crate::demo) async fn hear(&self, token: &str) -> Result<LogoutCall, RelyingPartyError> {
        let provider = self.provider().await?;
        let claims = match logout_claims(&provider, token) {
            // The provider may have changed its keys.
            Err(JwtError::UnknownKey) => logout_claims(&*self.discover().await?, token),
            other => other,
        };
        let claims = claims.map_err(|_| RelyingPartyError::LogoutToken)?;
        self.judge(&claims).ok_or(RelyingPartyError::LogoutToken)
    }

    fn judge(&self, claims: &Members) -> Option<LogoutCall> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let time = |name: &str| Some(Instant::from_seconds(claims.get(name)?.as_i64()?));
        let now = self.clock.now();
        let (issued_at, expires_at) = (time("iat")?, time("exp")?);
        let is_fresh = now < expires_at
            && issued_at <= now.plus(SKEW)
            && now.since(issued_at) < LONGEST_LIFE
            && expires_at.since(issued_at) < LONGEST_LIFE;
        let event = claims.get("events").and_then(|events| events.get(EVENT));
        let is_ours =
            text("iss") == Some(self.issuer()) && is_for(claims, self.client_id().as_str());
        // A nonce is what an ID token has: nothing that was made for a login may end one (§2.4).
        let is_good = is_ours
            && is_fresh
            && event.is_some_and(Value::is_object)
            && !claims.contains_key("nonce");
        let (jti, sid) = (text("jti")?, text("sid")?);
        if !is_good {
            return None;
        }
        Some(if self.heard.is_new(jti, (expires_at, now)) {
            LogoutCall::Ended(sid.to_owned())
        } else {
            LogoutCall::Repeated
        })
    }
}

/// The claims of a token that a key of the provider signed as ID tokens are.
fn logout_claims(provider: &Discovered, token: &str) -> Result<Members, JwtError> {
    let key = |header: &JwtHeader| {
        let is_usual = header.alg == SignatureAlgorithm::Rs256;
        let jwk = provider
            .keys
            .find(header.kid.as_deref().filter(|_| is_usual)?)?;
        VerifyingKey::for_algorithm(jwk, header.alg)
            .ok()
            .map(Box::new)
    };
    verify_jwt(token, key, ExpectedType::Required("logout+jwt"))
}

/// `aud` is the client alone, as text or in a list.
fn is_for(claims: &Members, client_id: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(audience)) => audience == client_id,
        Some(Value::Array(audiences)) => {
            matches!(audiences.as_slice(), [Value::String(audience)] if audience == client_id)
        }
        _ => false,
    }
}
