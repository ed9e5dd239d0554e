//! `/oauth2/revoke` (RFC 7009).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::client_request;
use crate::http::context::{FormBody, RequestContext};
use crate::http::state::AppState;
use crate::protocol::revocation::RevocationRequest;

/// POST. The answer is the same whether there was a token to end or not (RFC 7009 §2.2).
pub async fn post(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let (credentials, request) =
        match client_request::parse(&context, &body, RevocationRequest::parse) {
            Ok(parsed) => parsed,
            Err(response) => return *response,
        };
    match state.provider.revoke(&credentials, &request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            let client = state.provider.known_client(credentials.client_id());
            client_request::refuse(&context, "revoke", &error, client.as_ref())
        }
    }
}
