//! `/oauth2/authorize` (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::http::context::{FormBody, RequestContext};
use crate::http::cookies::CookieName;
use crate::http::respond;
use crate::http::state::AppState;
use crate::protocol::authorization_request::{RawAuthorizationRequest, Unverified};
use crate::protocol::error::ErrorCode;
use crate::provider::authorize::{AuthorizeError, Browser, Outcome, Step};
use crate::views::error_code::{Code, PageCode};

/// GET.
pub async fn get(State(state): State<AppState>, context: RequestContext) -> Response {
    let request = RawAuthorizationRequest::parse(&context.sent(&state));
    authorize(&state, &context, request).await
}

/// POST (Core §3.1.2.1).
pub async fn post(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    if let Some(location) = body.as_redirect(&state, &context) {
        return respond::see_other(&location);
    }
    authorize(&state, &context, RawAuthorizationRequest::parse(&body.0)).await
}

async fn authorize(
    state: &AppState,
    context: &RequestContext,
    request: Result<RawAuthorizationRequest, Unverified>,
) -> Response {
    let request = match request {
        Ok(request) => request,
        Err(unverified) => return answer(state, context, Err(unverified.into())),
    };
    let drawn = context
        .browser_cookie()
        .is_none()
        .then(|| state.provider.draw_browser_cookie());
    let browser = Browser {
        session_cookie: context.session_cookie(),
        browser_cookie: drawn.as_deref().or(context.browser_cookie()),
    };
    let outcome = state.provider.authorize(&request, browser).await;
    if let Err(AuthorizeError::Unverified(unverified)) = &outcome {
        log_refusal(state, context, &request, unverified);
    }
    let interacts = matches!(outcome, Ok(Outcome::Interact { .. }));
    let response = answer(state, context, outcome);
    match drawn.filter(|_| interacts) {
        Some(drawn) => {
            respond::with_cookie(response, state.cookies.set(CookieName::Browser, &drawn))
        }
        None => response,
    }
}

/// What a browser is told of an authorization request: where to go, or why not.
pub fn answer(
    state: &AppState,
    context: &RequestContext,
    outcome: Result<Outcome, AuthorizeError>,
) -> Response {
    match outcome {
        Ok(Outcome::Respond(location)) => respond::see_other(location.expose()),
        Ok(Outcome::Interact { step, interaction }) => {
            let path = match step {
                Step::Login => "/login",
                Step::Consent => "/consent",
            };
            respond::see_other(&format!("{path}?interaction={interaction}"))
        }
        Err(AuthorizeError::Unverified(unverified)) => {
            let status = StatusCode::BAD_REQUEST;
            let code = code_of(&unverified);
            respond::error_page(state, context, status, code, &unverified.to_string())
        }
        Err(AuthorizeError::Storage(error)) => respond::storage_error_page(state, context, &error),
        Err(error @ AuthorizeError::Seal(_)) => {
            tracing::error!(request = %context.request_id, %error, "authorization failed");
            let text = "The server failed.";
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            respond::error_page(state, context, status, ErrorCode::ServerError, text)
        }
    }
}

const fn code_of(unverified: &Unverified) -> Code {
    match unverified {
        Unverified::UnknownClient => Code::Page(PageCode::UnknownClient),
        Unverified::RedirectUriMismatch(_) => Code::Page(PageCode::RedirectUriMismatch),
        Unverified::Parameters(_)
        | Unverified::MissingClientId
        | Unverified::MissingRedirectUri
        | Unverified::StateTooLong => Code::Protocol(ErrorCode::InvalidRequest),
    }
}

/// Logs which registered client's request got a page; the page itself is logged with the same
/// number.
fn log_refusal(
    state: &AppState,
    context: &RequestContext,
    request: &RawAuthorizationRequest,
    unverified: &Unverified,
) {
    let named = request.client_id().unwrap_or_default();
    let Some(client) = state.provider.known_client(named) else {
        return;
    };
    let error = if state.provider.is_suspended(named) {
        "the client is suspended"
    } else {
        code_of(unverified).as_str()
    };
    let (request, client) = (&context.request_id, client.as_str());
    tracing::info!(%request, endpoint = "authorize", client, error, "request refused");
}
