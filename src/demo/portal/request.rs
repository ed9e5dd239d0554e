//! What a handler may know of a request.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST};
use axum::http::request::Parts;

use super::Portal;
use crate::protocol::parameters::Parameters;
use crate::views::locale::{self, Locale};
use crate::views::text_size::TextSize;

/// What a handler may know of a request.
#[derive(Debug)]
pub(super) struct PortalRequest {
    /// The portal's cookie, or nothing that anybody has.
    pub(super) cookie: Option<String>,
    /// The language to speak.
    pub(super) locale: Locale,
    /// How large letters are to be.
    pub(super) text_size: TextSize,
    /// What was chosen in this very request, to be remembered.
    pub(super) chosen: Chosen,
    /// The query; nothing when it is malformed or repeats a name.
    pub(super) query: Option<Parameters>,
    form: bool,
}

/// What somebody has chosen by hand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chosen {
    /// The language.
    pub(super) locale: Option<Locale>,
    /// The size of letters.
    pub(super) text_size: Option<TextSize>,
}

impl Chosen {
    fn of(query: Option<&Parameters>) -> Self {
        let asked = |name| query.and_then(|query| query.get(name));
        Self {
            locale: asked("lang").and_then(Locale::for_tag),
            text_size: asked("text").and_then(TextSize::for_tag),
        }
    }

    /// The same in another language.
    pub(super) fn in_language(self, locale: Locale) -> Self {
        Self {
            locale: Some(locale),
            ..self
        }
    }

    /// The same in another size.
    pub(super) fn in_size(self, text_size: TextSize) -> Self {
        Self {
            text_size: Some(text_size),
            ..self
        }
    }

    /// As a query has it.
    pub(super) fn pairs(self) -> impl Iterator<Item = String> {
        let locale = self.locale.map(|locale| format!("lang={}", locale.tag()));
        let text_size = self.text_size.map(|size| format!("text={}", size.tag()));
        locale.into_iter().chain(text_size)
    }
}

impl PortalRequest {
    /// The cookie, or what is nobody's.
    pub(super) fn cookie(&self) -> &str {
        self.cookie.as_deref().unwrap_or_default()
    }

    /// A value of the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.as_ref()?.get(name)
    }

    /// Whether `body` is a form of ours: it carries what was given to this browser.
    pub(super) fn is_own_form(&self, body: &[u8], csrf: &str) -> bool {
        let fields = Parameters::parse(body).ok().filter(|_| self.form);
        fields
            .as_ref()
            .and_then(|fields| fields.get("csrf"))
            .is_some_and(|sent| crate::crypto::digest::equal(sent.as_bytes(), csrf.as_bytes()))
    }
}

impl FromRequestParts<Portal> for PortalRequest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Infallible> {
        let headers = &parts.headers;
        let key = portal.province().key;
        let query = Parameters::parse(parts.uri.query().unwrap_or_default().as_bytes()).ok();
        let chosen = Chosen::of(query.as_ref());
        let remembered = cookie(headers, &language_cookie(key));
        let accepted = headers.get(ACCEPT_LANGUAGE);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        let switch = chosen.locale.map(Locale::tag).or(remembered);
        let sized = cookie(headers, &text_size_cookie(key)).and_then(TextSize::for_tag);
        Ok(Self {
            cookie: cookie(headers, &session_cookie(key)).map(str::to_owned),
            locale: locale::negotiate(None, switch, accepted, Locale::ZhCn),
            text_size: chosen.text_size.or(sized).unwrap_or_default(),
            chosen,
            form: is_form(headers),
            query,
        })
    }
}

/// The name of the cookie that a portal knows a browser by.
pub(super) fn session_cookie(key: &str) -> String {
    format!("{key}-session")
}

/// The name of the cookie with the language chosen by hand.
pub(super) fn language_cookie(key: &str) -> String {
    format!("{key}-language")
}

/// The name of the cookie with the size of letters chosen by hand.
pub(super) fn text_size_cookie(key: &str) -> String {
    format!("{key}-text")
}

/// The host that the browser believes to talk to.
pub(super) fn host(request: &Request) -> Option<&str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

/// The one cookie of this name; of two, one is not ours.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim() == "application/x-www-form-urlencoded")
}
