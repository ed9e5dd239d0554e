//! `/oauth2/introspect` (RFC 7662).

use axum::extract::State;
use axum::response::Response;

use super::client_request;
use crate::http::context::{FormBody, RequestContext};
use crate::http::respond;
use crate::http::state::AppState;
use crate::protocol::introspection::IntrospectionRequest;

/// POST.
pub async fn post(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let (credentials, request) =
        match client_request::parse(&context, &body, IntrospectionRequest::parse) {
            Ok(parsed) => parsed,
            Err(response) => return *response,
        };
    match state.provider.introspect(&credentials, &request).await {
        Ok(response) => respond::json_no_store(&response),
        Err(error) => {
            let client = state.provider.known_client(credentials.client_id());
            client_request::refuse(&context, "introspect", &error, client.as_ref())
        }
    }
}
