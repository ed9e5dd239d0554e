//! `/oauth2/userinfo` (OpenID Connect Core §5.3), by GET and POST.

use axum::extract::State;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::http::context::RequestContext;
use crate::http::endpoints::client_request;
use crate::http::respond;
use crate::http::state::AppState;
use crate::protocol::bearer::{self, BearerError};
use crate::protocol::error::ErrorCode;
use crate::protocol::parameters::Parameters;

/// GET: the token is in the header.
pub async fn get(State(state): State<AppState>, context: RequestContext) -> Response {
    answer(&state, &context, &Parameters::none()).await
}

/// POST: the token is in the header or the form (RFC 6750 §2.2); a body that is no form is
/// nothing to us.
pub async fn post(
    State(state): State<AppState>,
    context: RequestContext,
    body: Bytes,
) -> Response {
    let is_form = context
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let parameters = if is_form { Parameters::parse(&body).ok() } else { Some(Parameters::none()) };
    match parameters {
        Some(parameters) => answer(&state, &context, &parameters).await,
        None => challenge(&BearerError::invalid_request()),
    }
}

async fn answer(state: &AppState, context: &RequestContext, form: &Parameters) -> Response {
    let token = match bearer::token(context.header("authorization"), form) {
        Ok(token) => token,
        Err(error) => return challenge(&error),
    };
    match state.provider.userinfo(token.expose()).await {
        Ok(userinfo) => respond::json_no_store(&userinfo),
        Err(error) => {
            let told = error.to_oauth();
            client_request::log_refusal(context, "userinfo", &error, &told);
            match told.code() {
                ErrorCode::InvalidToken | ErrorCode::InsufficientScope => {
                    challenge(&BearerError::from(told))
                }
                _ => respond::oauth_error(&told),
            }
        }
    }
}

/// RFC 6750 §3: why, in `WWW-Authenticate`.
fn challenge(error: &BearerError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let mut response = status.into_response();
    if let Ok(value) = HeaderValue::try_from(error.challenge()) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
