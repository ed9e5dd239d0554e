//! `/register/check`, `/recover/check`: the code came back and the authority said nothing. It is
//! asked again on demand; nothing is to be typed anew.

use axum::extract::State;
use axum::response::Response;

use super::{Underway, outcome};
use crate::accounts::challenge::ChallengeStage;
use crate::http::context::{FormBody, RequestContext};
use crate::http::respond;
use crate::http::state::AppState;

/// Names the form in its CSRF token.
pub(super) const FORM: &str = "check";

/// Says that it can be tried again.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    match Underway::find(&state, &context).await {
        Ok(underway) if underway.open.stage() == ChallengeStage::Sent => {
            respond::see_other(&underway.address("code"))
        }
        Ok(underway) => outcome::unavailable(&state, &context, &underway),
        Err(response) => *response,
    }
}

/// Tries again.
pub async fn submit(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let posted = Underway::posted((&state, &context), &body, FORM).await;
    let underway = match posted {
        Ok((underway, _)) => underway,
        Err(response) => return *response,
    };
    match underway.open.stage() {
        ChallengeStage::Sent => respond::see_other(&underway.address("code")),
        ChallengeStage::Confirmed => underway.complete(&state, &context).await,
    }
}
