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
use crate::protocol::bearer;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::parameters::Parameters;

/// GET: the token is in the header.
pub async fn get(State(state): State<AppState>, context: RequestContext) -> Response {
    answer(&state, &context, None).await
}

/// POST: the token is in the header or the form (RFC 6750 §2.2); a body that is no form is
/// nothing to us.
pub async fn post(State(state): State<AppState>, context: RequestContext, body: Bytes) -> Response {
    if !context.has_form() {
        return answer(&state, &context, None).await;
    }
    match Parameters::parse(&body) {
        Ok(parameters) => answer(&state, &context, Some(&parameters)).await,
        Err(error) => challenge(Some(&ErrorCode::InvalidRequest.because(error.to_string()))),
    }
}

async fn answer(state: &AppState, context: &RequestContext, form: Option<&Parameters>) -> Response {
    let token = match bearer::access_token(context.authorization(), form) {
        Ok(token) => token,
        Err(error) => return challenge(error.to_oauth().as_ref()),
    };
    match state.provider.userinfo(token.expose()).await {
        Ok(userinfo) => respond::json_no_store(&userinfo),
        Err(error) => {
            let told = error.to_oauth();
            client_request::log_refusal(context, "userinfo", &error, (&told, None));
            if matches!(
                told.code(),
                ErrorCode::InvalidToken | ErrorCode::InsufficientScope
            ) {
                challenge(Some(&told))
            } else {
                respond::oauth_error(&told)
            }
        }
    }
}

/// RFC 6750 §3: why, in `WWW-Authenticate` and in the body.
fn challenge(error: Option<&OAuthError>) -> Response {
    let status = match error.map(OAuthError::code) {
        Some(ErrorCode::InvalidRequest) => StatusCode::BAD_REQUEST,
        Some(ErrorCode::InsufficientScope) => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    };
    let mut response = match error {
        Some(error) => respond::json_no_store(error),
        None => status.into_response(),
    };
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::try_from(bearer::challenge(error)) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
