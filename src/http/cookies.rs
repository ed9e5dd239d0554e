//! The cookies of this provider: how they are named, set and read.
//!
//! On https every name has the `__Host-` prefix, so that no other host of the domain and no plain
//! connection can set one (RFC 6265bis §4.1.3.2).

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header::COOKIE;

/// More of one header than any browser of ours sends.
const MAX_COOKIE_HEADER: usize = 8 * 1024;

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieName {
    /// A login.
    Session,
    /// Ties interactions and forms to one browser.
    Browser,
    /// The language chosen by hand.
    Language,
    /// The size of letters chosen by hand.
    TextSize,
    /// That somebody logged in from this browser.
    Device,
}

/// How cookies are set here.
#[derive(Debug, Clone, Copy)]
pub struct CookiePolicy {
    /// Whether the issuer is https.
    pub secure: bool,
}

impl CookiePolicy {
    const fn name(self, cookie: CookieName) -> &'static str {
        match (self.secure, cookie) {
            (true, CookieName::Session) => "__Host-session",
            (true, CookieName::Browser) => "__Host-browser",
            (true, CookieName::Language) => "__Host-language",
            (true, CookieName::TextSize) => "__Host-text",
            (true, CookieName::Device) => "__Host-device",
            (false, CookieName::Session) => "tongxing-session",
            (false, CookieName::Browser) => "tongxing-browser",
            (false, CookieName::Language) => "tongxing-language",
            (false, CookieName::TextSize) => "tongxing-text",
            (false, CookieName::Device) => "tongxing-device",
        }
    }

    /// The value a request carries; none when there are two, since one of them is not ours.
    pub fn read(self, headers: &HeaderMap, cookie: CookieName) -> Option<&str> {
        let name = self.name(cookie);
        let mut values = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .filter(|header| header.len() <= MAX_COOKIE_HEADER)
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// A `Set-Cookie` for as long as the browser runs. `SameSite` is Lax: a portal's link brings the
    /// login along, a foreign form does not.
    pub fn set(self, cookie: CookieName, value: &str) -> Option<HeaderValue> {
        self.header(cookie, value, "")
    }

    /// The same for longer.
    pub fn keep(self, cookie: CookieName, value: &str, kept: Duration) -> Option<HeaderValue> {
        self.header(cookie, value, &format!("; Max-Age={}", kept.as_secs()))
    }

    /// A `Set-Cookie` that removes it.
    pub fn clear(self, cookie: CookieName) -> Option<HeaderValue> {
        self.header(cookie, "", "; Max-Age=0")
    }

    fn header(self, cookie: CookieName, value: &str, extra: &str) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = self.name(cookie);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{extra}");
        HeaderValue::try_from(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: CookiePolicy = CookiePolicy { secure: false };

    fn request(cookie: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(cookie))])
    }

    #[test]
    fn reads_its_own_cookie_only() {
        let headers = request("a=b; tongxing-session=x.y; xtongxing-session=z");
        assert_eq!(PLAIN.read(&headers, CookieName::Session), Some("x.y"));
        assert_eq!(PLAIN.read(&headers, CookieName::Browser), None);
    }

    #[test]
    fn two_of_a_name_are_none() {
        let headers = request("tongxing-session=x; tongxing-session=y");
        assert_eq!(PLAIN.read(&headers, CookieName::Session), None);
    }

    #[test]
    fn a_secure_cookie_is_bound_to_the_host() {
        let header = CookiePolicy { secure: true }.set(CookieName::Session, "v");
        let header = header.as_ref().and_then(|header| header.to_str().ok());
        assert_eq!(
            header,
            Some("__Host-session=v; Path=/; HttpOnly; SameSite=Lax; Secure")
        );
    }

    #[test]
    fn a_cookie_may_outlast_the_browser() {
        let header = PLAIN.keep(CookieName::Device, "v", Duration::from_mins(1));
        let header = header.as_ref().and_then(|header| header.to_str().ok());
        assert_eq!(
            header,
            Some("tongxing-device=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60")
        );
    }

    #[test]
    fn a_value_that_would_break_the_header_is_not_set() {
        assert!(PLAIN.set(CookieName::Session, "a\r\nb").is_none());
    }
}
