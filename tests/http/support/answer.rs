//! One answer of the server, and what tests say of it.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tongxing::views::error_code::Code;
use url::Url;

use super::page::Page;
use super::server::ISSUER;

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// What was asked.
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(target: &str, status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> Self {
        // A path is one, though it begin with `//`.
        let url = if target.starts_with('/') {
            Url::parse(&format!("{ISSUER}{target}"))
        } else {
            Url::parse(target)
        };
        let answer = Self {
            url: url.expect("a URL"),
            status,
            headers,
            body,
        };
        for code in answer.error_codes() {
            // Whatever is said to anybody has a page under `/docs/errors/`.
            assert!(
                Code::parse(&code).is_some(),
                "{code} is not explained: {answer:?}"
            );
        }
        answer
    }

    /// The error codes in it, whichever way they are told: in JSON, in a challenge, on a page, or to
    /// the portal that the browser is sent back to.
    fn error_codes(&self) -> Vec<String> {
        let kind = self
            .headers
            .get("content-type")
            .and_then(|kind| kind.to_str().ok());
        let in_body = match kind.unwrap_or_default() {
            "application/json" => serde_json::from_slice(&self.body)
                .ok()
                .and_then(|told: Value| Some(told.get("error")?.as_str()?.to_owned())),
            "text/html; charset=utf-8" => {
                let page = Page::parse(self.text());
                page.has("error-code").then(|| page.text_of("error-code"))
            }
            _ => None,
        };
        let challenge = self.headers.get("www-authenticate");
        let in_challenge = challenge
            .and_then(|challenge| challenge.to_str().ok()?.split("error=\"").nth(1))
            .and_then(|rest| Some(rest.split('"').next()?.to_owned()));
        let location = self
            .headers
            .get("location")
            .and_then(|location| location.to_str().ok());
        let in_location = location
            .and_then(|location| Url::parse(location).ok())
            .and_then(|location| {
                let mut pairs = location.query_pairs();
                pairs.find_map(|(name, value)| (name == "error").then(|| value.into_owned()))
            });
        [in_body, in_challenge, in_location]
            .into_iter()
            .flatten()
            .collect()
    }

    /// A header that is there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert!(values.len() <= 1, "{name} is there {} times", values.len());
        values.first().map(|value| value.to_str().expect("text"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_slice(&self.body);
        parsed.unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The page; the answer must be one.
    pub(crate) fn page(&self) -> Page {
        assert_eq!(
            self.header("content-type"),
            Some("text/html; charset=utf-8"),
            "{} {}",
            self.status,
            self.text()
        );
        Page::parse(self.text())
    }

    /// Where the answer leads, if it leads anywhere.
    pub(crate) fn location(&self) -> Option<Url> {
        let location = self.header("location")?;
        Some(self.url.join(location).expect("a location is a URL"))
    }

    /// Where the answer leads, if that is elsewhere than to this provider.
    pub(crate) fn departs_to(&self) -> Option<Url> {
        self.location()
            .filter(|location| location.origin().ascii_serialization() != ISSUER)
    }

    /// The parameters of the authorization response that the answer redirects with; each once.
    pub(crate) fn returned(&self) -> BTreeMap<String, String> {
        let Some(location) = self.departs_to() else {
            panic!("not sent back: {} {}", self.status, self.text());
        };
        let mut returned = BTreeMap::new();
        for (name, value) in location.query_pairs() {
            let before = returned.insert(name.to_string(), value.into_owned());
            assert_eq!(before, None, "{name} is there twice in {location}");
        }
        returned
    }

    /// The path of the page that the browser has come to.
    pub(crate) fn path(&self) -> &str {
        self.url.path()
    }
}

/// An endpoint refused with this code (RFC 6749 §5.2).
#[track_caller]
pub(crate) fn assert_refused(answer: &Answer, code: &str) {
    assert!(answer.status.is_client_error(), "{}", answer.status);
    assert_eq!(answer.json()["error"], code, "{}", answer.text());
    assert!(answer.json()["error_description"].is_string());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// The client is told of this error, at its redirect URI (RFC 6749 §4.1.2.1).
#[track_caller]
pub(crate) fn assert_redirect_refuses(answer: &Answer, code: &str) {
    let returned = answer.returned();
    assert_eq!(
        returned.get("error").map(String::as_str),
        Some(code),
        "{returned:?}"
    );
    assert_eq!(returned.get("iss").map(String::as_str), Some(ISSUER));
    assert_eq!(returned.get("code"), None);
}

/// A page says so; nothing is sent anywhere.
#[track_caller]
pub(crate) fn assert_page_refuses(answer: &Answer, code: &str) {
    assert_eq!(answer.location(), None);
    assert!(answer.status.is_client_error(), "{}", answer.status);
    assert_eq!(answer.page().text_of("error-code"), code);
    assert!(!answer.page().text_of("error-description").is_empty());
}

/// What a JWT says, its signature not looked at.
#[track_caller]
pub(crate) fn claims_of(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).expect("a JWT");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}
