//! What every answer gets: headers, a log line, and the answers that are ours alone.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::Class;
use crate::domain::id::RequestId;
use crate::http::metrics::Refused;
use crate::http::respond::{self, CONTENT_SECURITY};
use crate::protocol::error::ErrorCode;
use crate::views::assets;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Not for subdomains: whose they are is not known here.
const HTTPS_FOR_A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// On every answer, whatever its handler said.
const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (OPENER_POLICY, HeaderValue::from_static("same-origin")),
    (
        PERMISSIONS_POLICY,
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

const SLOW: Duration = Duration::from_secs(1);

/// One request from its arrival until its answer leaves.
pub(super) struct Passage {
    pub(super) class: Class,
    pub(super) request_id: RequestId,
    pub(super) started: Instant,
    pub(super) method: &'static str,
    pub(super) route: Option<MatchedPath>,
}

impl Passage {
    /// The route's pattern.
    pub(super) fn route(&self) -> &str {
        self.route.as_ref().map_or("unmatched", MatchedPath::as_str)
    }
}

/// The headers of every answer.
pub(super) struct SecurityHeaders {
    https: bool,
}

impl SecurityHeaders {
    pub(super) const fn new(https: bool) -> Self {
        Self { https }
    }

    pub(super) fn complete(&self, headers: &mut HeaderMap, passage: &Passage) {
        headers.reserve(ALWAYS.len() + 4);
        for (name, value) in ALWAYS {
            headers.insert(name, value);
        }
        // A page may widen this: the form that ends at a portal must name it as a target.
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(const { HeaderValue::from_static(CONTENT_SECURITY) });
        headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
        if self.https {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_FOR_A_YEAR);
        }
        if let Ok(id) = HeaderValue::try_from(passage.request_id.to_string()) {
            headers.insert(X_REQUEST_ID, id);
        }
    }
}

/// Which requests get a log line at `info`; the others get theirs at `debug`.
pub(super) struct LogRequests {
    all: bool,
}

impl LogRequests {
    pub(super) const fn new(all: bool) -> Self {
        Self { all }
    }

    pub(super) fn answered(&self, passage: &Passage, status: StatusCode, took: Duration) {
        // Microseconds first, so that the fraction is short.
        let millis = f64::from(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)) / 1000.0;
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request = %passage.request_id,
                    method = passage.method,
                    route = passage.route(),
                    status = status.as_u16(),
                    millis,
                    "request"
                )
            };
        }
        // Of refusals there may be very many: they are counted.
        let refused = status == StatusCode::SERVICE_UNAVAILABLE;
        let failed = (status.is_client_error() || status.is_server_error()) && !refused;
        if self.all || failed || took >= SLOW {
            line!(info);
        } else {
            line!(debug);
        }
    }
}

/// The answer in place of a handler's. Its page is no template's: what failed may be what makes
/// pages. It says its reference if that is in the log, which of a busy server's refusals it is not.
pub(super) fn refusal(refused: Refused, passage: &Passage) -> Response {
    let (status, code, chinese, english) = match refused {
        Refused::Busy | Refused::TimedOut => (
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::TemporarilyUnavailable,
            "服务繁忙，请稍后再试。",
            "The service is busy. Please try again in a moment.",
        ),
        Refused::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::InvalidRequest,
            "提交的内容过大。",
            "What was sent is too large.",
        ),
        Refused::Broken => (
            StatusCode::BAD_REQUEST,
            ErrorCode::InvalidRequest,
            "提交的内容不完整。",
            "What was sent is incomplete.",
        ),
        Refused::Panicked => (
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::ServerError,
            "服务出现错误。",
            "Something went wrong on our side.",
        ),
    };
    let reference = match refused {
        Refused::Busy => String::new(),
        Refused::TimedOut | Refused::TooLarge | Refused::Broken | Refused::Panicked => {
            passage.request_id.to_string()
        }
    };
    let (content_type, text) = match passage.class {
        // RFC 6749 §5.2. All of it is ours, so nothing needs escaping.
        Class::Token | Class::Api => (
            "application/json",
            format!(
                r#"{{"error":"{code}","error_description":"{}"}}"#,
                [english, &reference].join(" ").trim_end()
            ),
        ),
        Class::Login | Class::Page | Class::Logout => (
            "text/html; charset=utf-8",
            page((chinese, english), code, &reference),
        ),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return respond::retry_later(response);
    }
    response
}

/// Worked out once: a server with too much to do refuses quickly.
static LOADED: LazyLock<[String; 2]> =
    LazyLock::new(|| [assets::STYLESHEET, assets::ICON].map(|asset| asset.href()));

/// A page in both languages, since nobody's choice has been read. All of it is ours.
fn page((chinese, english): (&str, &str), code: ErrorCode, reference: &str) -> String {
    let [stylesheet, icon] = &*LOADED;
    format!(
        r#"<!doctype html>
<html lang="zh-CN" dir="ltr">
<head>
<meta charset="utf-8">
<title>{chinese}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="{stylesheet}">
<link rel="icon" href="{icon}" type="image/svg+xml">
</head>
<body>
<main class="narrow">
<div class="card">
<h1>{chinese}</h1>
<p class="lead" lang="en" id="error-description">{english}</p>
<p class="actions"><a class="button primary" href="">再试一次 <span lang="en">· Try again</span></a></p>
<p class="links"><code id="error-code">{code}</code> <code>{reference}</code></p>
</div>
</main>
</body>
</html>
"#
    )
}
