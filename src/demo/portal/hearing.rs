//! What the provider says to the portal itself: that a login has ended. The portal can be made deaf,
//! to show what becomes of a logout then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::{Portal, answer};
use crate::demo::relying_party::{LogoutCall, RelyingPartyError};
use crate::protocol::parameters::Parameters;

const HANGS_FOR: Duration = Duration::from_secs(20);

/// Whether a portal hears of logouts elsewhere.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    deaf: AtomicBool,
}

impl Hearing {
    fn is_deaf(&self) -> bool {
        self.deaf.load(Ordering::Relaxed)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    behavior: Behavior,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Behavior {
    Ok,
    Deaf,
}

/// `PUT /backchannel-logout`: makes the portal deaf, or lets it hear again.
pub(super) async fn switch(State(portal): State<Portal>, body: Bytes) -> StatusCode {
    let Ok(switch) = serde_json::from_slice::<Switch>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let deaf = switch.behavior == Behavior::Deaf;
    portal.hearing().deaf.store(deaf, Ordering::Relaxed);
    StatusCode::NO_CONTENT
}

/// `POST /backchannel-logout`: the provider says that a login has ended, here or at another portal
/// (OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8). No browser is there, so no cookie either.
pub(super) async fn hear(State(portal): State<Portal>, body: Bytes) -> Response {
    if portal.hearing().is_deaf() {
        // As a portal that hangs: longer than anybody waits.
        tokio::time::sleep(HANGS_FOR).await;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let fields = Parameters::parse(&body).ok();
    let token = fields
        .as_ref()
        .and_then(|fields| fields.get("logout_token"));
    let heard = portal.relying_party().hear(token.unwrap_or_default());
    let status = match heard.await {
        Ok(LogoutCall::Ended(sid)) => {
            let count = portal
                .visitors()
                .end(|login| login.sid() == Some(sid.as_str()));
            tracing::info!(portal = portal.province().key, count, "ended by Tongxing");
            StatusCode::OK
        }
        Ok(LogoutCall::Repeated) => StatusCode::OK,
        // It was not understood for want of the provider's keys: to be told again.
        Err(RelyingPartyError::Http(_)) => StatusCode::SERVICE_UNAVAILABLE,
        Err(error) => {
            tracing::info!(portal = portal.province().key, %error, "refused");
            return answer::refused_call(&error);
        }
    };
    status.into_response()
}
