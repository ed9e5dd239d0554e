//! The one extractor: what a handler may know of a request besides its path.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::cookies::CookieName;
use super::device;
use super::middleware::RequestFacts;
use super::state::AppState;
use crate::domain::client_address::ClientAddress;
use crate::domain::id::RequestId;
use crate::protocol::parameters::Parameters;
use crate::views::locale::{self, Locale};
use crate::views::text_size::TextSize;

/// What a handler may know of a request.
#[derive(Debug)]
pub struct RequestContext {
    /// Its identifier, as in the log and on error pages.
    pub request_id: RequestId,
    /// The path: a route of ours, or on the page that says there is none, anything.
    pub path: String,
    /// The raw query.
    pub query: String,
    /// GET, HEAD or POST.
    pub method: Method,
    /// Where it comes from.
    pub client_address: ClientAddress,
    headers: HeaderMap,
    session: Option<String>,
    browser: Option<String>,
    language: Option<String>,
    text_size: Option<String>,
    known_device: Option<String>,
}

impl RequestContext {
    /// The session cookie.
    pub fn session_cookie(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The cookie that ties interactions and forms to this browser.
    pub fn browser_cookie(&self) -> Option<&str> {
        self.browser.as_deref()
    }

    /// The cookie that an earlier login left for long.
    pub fn known_device_cookie(&self) -> Option<&str> {
        self.known_device.as_deref()
    }

    /// Browser and system as their person would name them.
    pub fn device(&self) -> Option<String> {
        self.header(USER_AGENT.as_str()).and_then(device::name)
    }

    /// A header, if it is there once and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// The `Authorization` header. One that is repeated or unreadable is there all the same: as a
    /// text that belongs to no scheme, so that it is refused and not passed over.
    pub fn authorization(&self) -> Option<&str> {
        self.headers
            .contains_key(AUTHORIZATION)
            .then(|| self.header(AUTHORIZATION.as_str()).unwrap_or_default())
    }

    /// Whether it brings a form.
    pub fn has_form(&self) -> bool {
        is_form(self.headers.get(CONTENT_TYPE))
    }

    /// The request as sent: the query, or the form that [`FormBody::as_redirect`] sent along.
    pub fn sent(&self, state: &AppState) -> Cow<'_, [u8]> {
        let parameters = self.query_parameters();
        let posted = parameters
            .get(POSTED)
            .and_then(|sealed| state.provider.open_posted(&self.path, sealed));
        posted.map_or(Cow::Borrowed(self.query.as_bytes()), Cow::Owned)
    }

    /// The query's parameters; a malformed query has none.
    pub fn query_parameters(&self) -> Parameters {
        Parameters::parse(self.query.as_bytes()).unwrap_or_else(|_| Parameters::none())
    }

    /// The language to speak. `ui_locales` is what the portal asked for.
    pub fn locale(&self, ui_locales: Option<&str>, default: Locale) -> Locale {
        let chosen = self.query_parameters();
        let switch = chosen.get("lang").or(self.language.as_deref());
        let accepted = self.header(ACCEPT_LANGUAGE.as_str());
        locale::negotiate(ui_locales, switch, accepted, default)
    }

    /// The language chosen in this very request, to be remembered.
    pub fn chosen_locale(&self) -> Option<Locale> {
        self.query_parameters()
            .get("lang")
            .and_then(Locale::for_tag)
    }

    /// How large letters are to be.
    pub fn text_size(&self) -> TextSize {
        let remembered = self.text_size.as_deref().and_then(TextSize::for_tag);
        self.chosen_text_size().or(remembered).unwrap_or_default()
    }

    /// The size chosen in this very request, to be remembered.
    pub fn chosen_text_size(&self) -> Option<TextSize> {
        self.query_parameters()
            .get("text")
            .and_then(TextSize::for_tag)
    }
}

impl FromRequestParts<AppState> for RequestContext {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Self, Self::Rejection> {
        let read = |name| state.cookies.read(&parts.headers, name).map(str::to_owned);
        let facts = parts.extensions.get::<RequestFacts>();
        Ok(Self {
            request_id: facts.map_or(RequestId::from_u128(0), |facts| facts.request_id),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            method: parts.method.clone(),
            client_address: ClientAddress::of(
                facts.map_or(Ipv4Addr::UNSPECIFIED.into(), |facts| facts.client_address),
            ),
            session: read(CookieName::Session),
            browser: read(CookieName::Browser),
            language: read(CookieName::Language),
            text_size: read(CookieName::TextSize),
            known_device: read(CookieName::Device),
            headers: parts.headers.clone(),
        })
    }
}

/// The raw parameters of a form that was posted. Only `application/x-www-form-urlencoded`.
#[derive(Debug)]
pub struct FormBody(pub Bytes);

/// The parameter by which a posted form travels through a redirect.
const POSTED: &str = "posted";

impl FormBody {
    /// Where a form from a portal's page goes on by GET: it does not bring our cookies
    /// (SameSite=Lax), the request that follows a redirect does. None if it brought the session,
    /// or is too long to travel.
    pub fn as_redirect(&self, state: &AppState, context: &RequestContext) -> Option<String> {
        if context.session.is_some() {
            return None;
        }
        let path = &context.path;
        let sealed = state.provider.seal_posted(path, &self.0).ok()?;
        Some(format!("{path}?{POSTED}={sealed}"))
    }

    /// The fields, each there once.
    pub fn parameters(&self) -> Option<Parameters> {
        Parameters::parse(&self.0).ok()
    }
}

/// Why a body was not taken.
#[derive(Debug)]
pub enum FormRejection {
    /// It is no form.
    MediaType,
    /// It is too long, or the connection broke.
    Body,
}

impl IntoResponse for FormRejection {
    fn into_response(self) -> Response {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response(),
            Self::Body => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        }
    }
}

impl FromRequest<AppState> for FormBody {
    type Rejection = FormRejection;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, FormRejection> {
        if !is_form(request.headers().get(CONTENT_TYPE)) {
            return Err(FormRejection::MediaType);
        }
        Bytes::from_request(request, state)
            .await
            .map(Self)
            .map_err(|_| FormRejection::Body)
    }
}

fn is_form(content_type: Option<&HeaderValue>) -> bool {
    content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| {
            kind.trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}
