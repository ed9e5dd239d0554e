//! What every answer of a portal has: headers, cookies, pages.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::Portal;
use super::request::{Chosen, PortalRequest, language_cookie, session_cookie, text_size_cookie};
use crate::demo::relying_party::RelyingPartyError;
use crate::views::assets::Asset;
use crate::views::locale::Locale;
use crate::views::page::{Chrome, LanguageLinks, Page};
use crate::views::text_size::TextSize;

const ALWAYS: [(HeaderName, HeaderValue); 3] = [
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// The headers of every answer.
#[derive(Debug, Clone)]
pub(super) struct Headers {
    content_security: Option<HeaderValue>,
}

impl Headers {
    /// Browsers apply `form-action` to the whole chain of redirects after a POST: logging out leads
    /// to the provider and back.
    pub(super) fn new(issuer: &str) -> Self {
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {issuer}; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        Self {
            content_security: HeaderValue::try_from(policy).ok(),
        }
    }

    pub(super) fn complete(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.extend(ALWAYS);
        if let Some(policy) = &self.content_security {
            headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        }
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        response
    }
}

/// The answer to a host that is nobody's here (RFC 9110 §15.5.20).
pub(super) fn misdirected() -> Response {
    let text = "这里没有这个网站。\nThere is no such site here.\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

/// The answer to an address where nothing is.
pub(super) fn not_found() -> Response {
    let text = "这里没有这个页面。\nThere is no such page here.\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

/// The answer to a call of the provider's that is refused (Back-Channel Logout §2.8).
pub(super) fn refused_call(error: &RelyingPartyError) -> Response {
    let told = serde_json::json!({
        "error": error.code(),
        "error_description": error.description(),
    });
    let headers = [(CONTENT_TYPE, "application/json")];
    (StatusCode::BAD_REQUEST, headers, told.to_string()).into_response()
}

/// A file; its address changes with its content.
pub(super) fn asset(asset: &'static Asset) -> Response {
    let headers = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.body).into_response()
}

/// A page in the request's language and size. Whatever address it is the answer to, the links that
/// switch them lead to `/`: no code and no state is ever asked for twice.
pub(super) fn page<P: Page>(portal: &Portal, request: &PortalRequest, page: &P) -> Response {
    let link = |chosen: Chosen| {
        let pairs: Vec<_> = chosen.pairs().collect();
        format!("/?{}", pairs.join("&"))
    };
    page_with_links(portal, request, page, link)
}

/// A page that is at `link` once something is chosen.
pub(super) fn page_with_links<P: Page>(
    portal: &Portal,
    request: &PortalRequest,
    page: &P,
    link: impl Fn(Chosen) -> String,
) -> Response {
    let chrome = Chrome {
        locale: request.locale,
        languages: LanguageLinks {
            zh_cn: link(request.chosen.in_language(Locale::ZhCn)),
            en: link(request.chosen.in_language(Locale::En)),
        },
        text_size: request.text_size,
        text_href: link(request.chosen.in_size(request.text_size.other())),
    };
    match portal.parts().renderer.render(page, &chrome) {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a portal's page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Remembers what was chosen.
pub(super) fn remembering(
    portal: &Portal,
    request: &PortalRequest,
    mut response: Response,
) -> Response {
    let (key, chosen) = (portal.province().key, request.chosen);
    for (name, tag) in [
        (language_cookie(key), chosen.locale.map(Locale::tag)),
        (text_size_cookie(key), chosen.text_size.map(TextSize::tag)),
    ] {
        if let Some(tag) = tag {
            response = with_cookie(response, &name, tag);
        }
    }
    response
}

/// Gives the browser the cookie it is known by from now on.
pub(super) fn known_by(portal: &Portal, response: Response, cookie: Option<&str>) -> Response {
    match cookie {
        Some(cookie) => with_cookie(response, &session_cookie(portal.province().key), cookie),
        None => response,
    }
}

/// Lax: the provider's redirect brings it along, a foreign form does not. Not `Secure`: the demo
/// has no https.
fn with_cookie(mut response: Response, name: &str, value: &str) -> Response {
    let header = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
    if let Ok(header) = HeaderValue::try_from(header) {
        response.headers_mut().append(SET_COOKIE, header);
    }
    response
}

/// 303: what comes next is a GET.
pub(super) fn see_other(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
