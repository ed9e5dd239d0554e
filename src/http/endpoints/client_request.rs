//! What the endpoints that clients call have in common: a form, the client's credentials, and a
//! log line that says why a request was refused.

use axum::response::Response;

use crate::domain::client::ClientId;
use crate::http::context::{FormBody, RequestContext};
use crate::http::respond;
use crate::protocol::client_authentication::{ClientCredentials, CredentialsError};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::parameters::Parameters;
use crate::provider::client_authentication::ClientAuthenticationError;

/// What a client presented to authenticate itself, and its request as `read` reads it. The error is
/// the answer that says what is wrong.
pub(super) fn parse<T>(
    context: &RequestContext,
    body: &FormBody,
    read: impl FnOnce(&Parameters) -> Result<T, OAuthError>,
) -> Result<(ClientCredentials, T), Box<Response>> {
    let parsed = credentials(context, body)
        .and_then(|(parameters, credentials)| Ok((credentials, read(&parameters)?)));
    parsed.map_err(|error| Box::new(respond::oauth_error(&error)))
}

fn credentials(
    context: &RequestContext,
    body: &FormBody,
) -> Result<(Parameters, ClientCredentials), OAuthError> {
    let parameters = Parameters::parse(&body.0)
        .map_err(|error| ErrorCode::InvalidRequest.because(format!("The request body: {error}")))?;
    let header = context.authorization();
    let credentials =
        ClientCredentials::parse(header, &parameters).map_err(CredentialsError::to_oauth)?;
    Ok((parameters, credentials))
}

/// Refuses a client that did not prove who it is.
pub(super) fn refuse(
    context: &RequestContext,
    endpoint: &'static str,
    error: &ClientAuthenticationError,
    client: Option<&ClientId>,
) -> Response {
    let told = error.to_oauth();
    log_refusal(context, endpoint, error, (&told, client));
    respond::oauth_error(&told)
}

/// Logs why a request was refused: the wire is told what, the log why, and of whom if it is a
/// registered client.
pub(super) fn log_refusal(
    context: &RequestContext,
    endpoint: &'static str,
    error: &(dyn std::error::Error + 'static),
    (told, client): (&OAuthError, Option<&ClientId>),
) {
    let code = told.code().as_str();
    let (request, client) = (&context.request_id, client.map(ClientId::as_str));
    if told.code() == ErrorCode::ServerError {
        tracing::error!(%request, endpoint, client, code, error, "request failed");
    } else {
        tracing::info!(%request, endpoint, client, code, error, "request refused");
    }
}
