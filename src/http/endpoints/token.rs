//! `/oauth2/token` (RFC 6749 §3.2).

use axum::extract::State;
use axum::response::Response;

use crate::http::context::{FormBody, RequestContext};
use crate::http::endpoints::client_request;
use crate::http::respond;
use crate::http::state::AppState;
use crate::protocol::token_request::TokenRequest;

/// POST.
pub async fn post(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let (credentials, request) = match client_request::parse(&context, &body, TokenRequest::parse) {
        Ok(parsed) => parsed,
        Err(response) => return *response,
    };
    match state.provider.exchange(&credentials, &request).await {
        Ok(response) => respond::json_no_store(&response),
        Err(error) => {
            let told = error.to_oauth();
            let client = state.provider.known_client(credentials.client_id());
            client_request::log_refusal(&context, "token", &error, (&told, client.as_ref()));
            respond::oauth_error(&told)
        }
    }
}
