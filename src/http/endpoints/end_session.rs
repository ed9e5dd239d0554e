//! `/oauth2/end_session` (OpenID Connect RP-Initiated Logout §2), by GET and POST.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::http::context::{FormBody, RequestContext};
use crate::http::cookies::CookieName;
use crate::http::pages::logout::{self, Left};
use crate::http::respond;
use crate::http::state::AppState;
use crate::protocol::end_session::EndSessionRequest;
use crate::protocol::error::ErrorCode;
use crate::protocol::parameters::Parameters;
use crate::provider::end_session::{EndSessionError, LogoutOutcome};

/// GET.
pub async fn get(State(state): State<AppState>, context: RequestContext) -> Response {
    match Parameters::parse(&context.sent(&state)) {
        Ok(parameters) => end(&state, &context, &parameters).await,
        Err(_) => refused(&state, &context, "The logout request could not be read."),
    }
}

/// POST.
pub async fn post(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    if let Some(location) = body.as_redirect(&state, &context) {
        return respond::see_other(&location);
    }
    match body.parameters() {
        Some(parameters) => end(&state, &context, &parameters).await,
        None => refused(&state, &context, "The logout request could not be read."),
    }
}

async fn end(state: &AppState, context: &RequestContext, parameters: &Parameters) -> Response {
    let request = match EndSessionRequest::parse(parameters) {
        Ok(request) => request,
        Err(error) => return refused(state, context, error.description()),
    };
    match state
        .provider
        .end_session(&request, context.session_cookie())
        .await
    {
        Ok(LogoutOutcome::Confirm(pending)) => {
            respond::see_other(&format!("/logout?pending={pending}"))
        }
        Ok(LogoutOutcome::Done {
            client,
            target,
            receipt,
        }) => {
            let left = Left {
                client: client.as_deref(),
                target: target.as_ref(),
                receipt,
            };
            let response = logout::left(state, context, left).await;
            // A form from elsewhere does not bring the cookie (SameSite=Lax): it must not take it
            // away either.
            let held = context.session_cookie().is_some();
            let cleared = held.then(|| state.cookies.clear(CookieName::Session));
            respond::with_cookie(response, cleared.flatten())
        }
        Err(EndSessionError::Request(error)) => refused(state, context, error.description()),
        Err(EndSessionError::Storage(error)) => respond::storage_error_page(state, context, &error),
        Err(EndSessionError::End(error)) => respond::end_error_page(state, context, &error),
        Err(EndSessionError::Seal(_)) => refused(state, context, "The logout request is too long."),
    }
}

fn refused(state: &AppState, context: &RequestContext, text: &str) -> Response {
    respond::error_page(
        state,
        context,
        StatusCode::BAD_REQUEST,
        ErrorCode::InvalidRequest,
        text,
    )
}
