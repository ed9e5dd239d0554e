//! What the endpoints that clients call have in common: a form, the client's credentials, and a
//! log line that says why a request was refused.

use crate::http::context::{FormBody, RequestContext};
use crate::protocol::client_authentication::ClientCredentials;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::parameters::Parameters;

/// The parameters of a client's form and what it presented to authenticate itself.
pub fn parse(
    context: &RequestContext,
    body: &FormBody,
) -> Result<(Parameters, ClientCredentials), OAuthError> {
    let parameters = Parameters::parse(&body.0).map_err(|error| {
        ErrorCode::InvalidRequest.because(format!("The request body: {error}."))
    })?;
    let header = context.header("authorization");
    let credentials = ClientCredentials::from_request(header, &parameters)?;
    Ok((parameters, credentials))
}

/// Logs why a request was refused: the wire is told what, the log why.
pub fn log_refusal(
    context: &RequestContext,
    endpoint: &'static str,
    error: &dyn std::error::Error,
    told: &OAuthError,
) {
    let code = told.code().as_str();
    if told.code() == ErrorCode::ServerError {
        tracing::error!(request = %context.request_id, endpoint, code, error, "request failed");
    } else {
        tracing::info!(request = %context.request_id, endpoint, code, error, "request refused");
    }
}
