//! How answers look: pages, redirects, JSON and OAuth errors.

use std::time::Duration;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, PRAGMA, RETRY_AFTER,
    SET_COOKIE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use super::context::RequestContext;
use super::cookies::CookieName;
use super::state::AppState;
use crate::accounts::ended::EndError;
use crate::crypto::seal::SealError;
use crate::ledger::profiles::ProfileError;
use crate::ledger::vault::VaultError;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::storage;
use crate::views::error::ErrorPage;
use crate::views::error_code::Code;
use crate::views::locale::Locale;
use crate::views::page::{Chrome, LanguageLinks, Page};
use crate::views::text_size::TextSize;

/// How long a client waits after 503, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// What a page may load and lead to, unless it names more: see [`PageSources`].
pub(super) const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'self'; \
     img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Where else a page's form may lead, and whence it may load a picture. The rest of the policy is
/// the same on every page.
#[derive(Debug, Default, Clone)]
pub struct PageSources {
    /// Origins that a post of this page's form may end at: browsers apply `form-action` to the
    /// whole chain of redirects.
    pub form_targets: Vec<String>,
    /// The origin of the portal's logo.
    pub images: Option<String>,
}

impl PageSources {
    fn policy(&self) -> Option<HeaderValue> {
        let mut policy = CONTENT_SECURITY.to_owned();
        let images = self.images.iter().map(|source| ("img-src 'self'", source));
        let targets = self.form_targets.iter();
        let targets = targets.map(|source| ("form-action 'self'", source));
        for (directive, source) in images.chain(targets) {
            policy = policy.replace(directive, &format!("{directive} {source}"));
        }
        HeaderValue::try_from(policy).ok()
    }
}

/// Renders a page in the request's language and size.
pub fn page<P: Page>(
    state: &AppState,
    context: &RequestContext,
    page: &P,
    ui_locales: Option<&str>,
) -> Response {
    let locale = context.locale(ui_locales, state.default_locale);
    let text_size = context.text_size();
    let chrome = Chrome {
        locale,
        languages: LanguageLinks {
            zh_cn: switched(context, "lang", Locale::ZhCn.tag()),
            en: switched(context, "lang", Locale::En.tag()),
        },
        text_size,
        text_href: switched(context, "text", text_size.other().tag()),
    };
    let mut response = match state.renderer.render(page, &chrome) {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(request = %context.request_id, %error, "a page could not be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let chosen = [
        (
            CookieName::Language,
            context.chosen_locale().map(Locale::tag),
        ),
        (
            CookieName::TextSize,
            context.chosen_text_size().map(TextSize::tag),
        ),
    ];
    for (cookie, tag) in chosen {
        response = with_cookie(response, tag.and_then(|tag| state.cookies.set(cookie, tag)));
    }
    response
}

/// Lets a page lead to and load from these sources.
pub fn with_sources(mut response: Response, sources: &PageSources) -> Response {
    if let Some(policy) = sources.policy() {
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The address of the page at hand with one of its switches set, and everything else it carries.
fn switched(context: &RequestContext, switch: &str, tag: &str) -> String {
    let is_other = |pair: &&str| pair.split('=').next() != Some(switch);
    let kept = context.query.split('&');
    let kept = kept.filter(|pair| !pair.is_empty()).filter(is_other);
    let chosen = format!("{switch}={tag}");
    let query: Vec<&str> = kept.chain([chosen.as_str()]).collect();
    // Without a path, which on the page for what is not there could be `//another.host`.
    format!("?{}", query.join("&"))
}

/// An error shown to a person. The description is an English sentence for whoever wrote the
/// portal's software; the page explains it in the person's language.
pub fn error_page(
    state: &AppState,
    context: &RequestContext,
    status: StatusCode,
    code: impl Into<Code>,
    description: &str,
) -> Response {
    let (code, reference) = (code.into(), context.request_id.to_string());
    tracing::info!(request = %reference, code = code.as_str(), "an error page was shown");
    let shown = ErrorPage::new(code, description, &reference);
    // A request that cannot be read any further may still say which language its resident speaks.
    let parameters = context.query_parameters();
    let mut response = page(state, context, &shown, parameters.get("ui_locales"));
    *response.status_mut() = status;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return retry_later(response);
    }
    response
}

/// The page for a storage that does not answer.
pub fn storage_error_page(
    state: &AppState,
    context: &RequestContext,
    error: &storage::Error,
) -> Response {
    let (status, code) = log_storage_error(context, error);
    error_page(
        state,
        context,
        status,
        code,
        "The server cannot answer just now.",
    )
}

/// The page for a session that was not ended.
pub fn end_error_page(state: &AppState, context: &RequestContext, error: &EndError) -> Response {
    match error {
        EndError::Seal(error) => seal_error_page(state, context, error),
        EndError::Storage(error) => storage_error_page(state, context, error),
    }
}

/// The page for a profile that does not open.
pub fn profile_error_page(
    state: &AppState,
    context: &RequestContext,
    error: &ProfileError,
) -> Response {
    if let ProfileError::Storage(error) | ProfileError::Vault(VaultError::Storage(error)) = error {
        return storage_error_page(state, context, error);
    }
    tracing::error!(request = %context.request_id, %error, "a profile does not open");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let code = ErrorCode::ServerError;
    error_page(state, context, status, code, "The server failed.")
}

/// The page for a value that could not be sealed.
pub fn seal_error_page(state: &AppState, context: &RequestContext, error: &SealError) -> Response {
    tracing::error!(request = %context.request_id, %error, "a value could not be sealed");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let code = ErrorCode::ServerError;
    error_page(state, context, status, code, "The server failed.")
}

/// A time to wait as people are told it: in minutes, rounded up.
pub fn minutes(wait: Duration) -> u64 {
    seconds(wait).div_ceil(60)
}

/// A time to wait in seconds, rounded up: who comes back after it is not too early.
pub fn seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).map_or(u64::MAX, |seconds| seconds.max(1))
}

/// 429: too much was asked for; again after `wait` (RFC 6585 §4).
pub fn too_many(mut response: Response, wait: Duration) -> Response {
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let wait = HeaderValue::from(seconds(wait));
    response.headers_mut().insert(RETRY_AFTER, wait);
    response
}

/// 303: the next request is a GET, whatever this one was, so that no password is ever sent on
/// (RFC 9700 §4.12).
pub fn see_other(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// 308: this address is another's way of being written, for good.
pub fn moved(location: &'static str) -> Response {
    let location = [(LOCATION, HeaderValue::from_static(location))];
    (StatusCode::PERMANENT_REDIRECT, location).into_response()
}

/// Says when to try again.
pub fn retry_later(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    response
}

/// Adds a cookie to an answer.
pub fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// JSON that no cache keeps (RFC 6749 §5.1).
pub fn json_no_store(body: &impl Serialize) -> Response {
    let headers = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    match serde_json::to_vec(body) {
        Ok(json) => (headers, [(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// An error of the token endpoint and its like (RFC 6749 §5.2).
pub fn oauth_error(error: &OAuthError) -> Response {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "RFC 6749 §5.2: 400 for every code of which nothing else is said"
    )]
    let status = match error.code() {
        ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response = json_no_store(error);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        // RFC 6749 §5.2 asks for it when the client used the Authorization header; it is always
        // true that Basic would be understood.
        headers.insert(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"oauth2\""),
        );
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return retry_later(response);
    }
    response
}

fn log_storage_error(context: &RequestContext, error: &storage::Error) -> (StatusCode, ErrorCode) {
    if matches!(error, storage::Error::Unavailable(_)) {
        tracing::warn!(request = %context.request_id, %error, "storage is unavailable");
        (
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::TemporarilyUnavailable,
        )
    } else {
        tracing::error!(request = %context.request_id, %error, "storage failed");
        (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::ServerError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_widened_by_its_sources_and_by_nothing_else() {
        let policy = |sources: PageSources| sources.policy().unwrap().to_str().unwrap().to_owned();
        assert_eq!(policy(PageSources::default()), CONTENT_SECURITY);
        let sources = PageSources {
            form_targets: vec!["https://a.example".to_owned()],
            images: Some("https://b.example".to_owned()),
        };
        assert_eq!(
            policy(sources),
            "default-src 'none'; style-src 'self'; img-src 'self' https://b.example; \
             form-action 'self' https://a.example; frame-ancestors 'none'; base-uri 'none'"
        );
    }
}
