//! Addresses that a page may lead to.
//!
//! Escaping keeps an address inside its attribute; it does not make `javascript:` harmless. So a
//! page that links to a place named by somebody else takes a [`WebLink`], and nothing else.

use std::fmt;

use serde::Serialize;
use url::{Host, Url};

/// An address that a browser may safely follow: https, or http on this very machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebLink(String);

impl WebLink {
    /// The address, unless it is of another kind or carries credentials.
    pub fn parse(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        let fits = match url.scheme() {
            "https" => true,
            "http" => is_loopback(&url),
            _ => false,
        };
        (plain && fits).then(|| Self(url.into()))
    }

    /// An https address only: what may be loaded into one of our pages.
    pub fn parse_https(address: &str) -> Option<Self> {
        Self::parse(address).filter(|link| link.0.starts_with("https:"))
    }

    /// Its origin, as a content security policy names it.
    pub fn origin(&self) -> String {
        Url::parse(&self.0)
            .map(|url| url.origin().ascii_serialization())
            .unwrap_or_default()
    }
}

impl fmt::Display for WebLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_may_follow_is_a_link() {
        for good in [
            "https://a.example/x?y=1",
            "http://zhejiang.localhost:8081/",
            "http://[::1]/",
            "http://127.0.0.1:9/",
        ] {
            assert!(WebLink::parse(good).is_some(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "http://a.example/",
            "http://localhost.a.example/",
            "//a.example/",
            "/here",
            "https://someone:secret@a.example/",
            "file:///etc/passwd",
            "",
        ] {
            assert!(WebLink::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_image_comes_by_https_and_its_origin_is_plain() {
        assert!(WebLink::parse_https("http://localhost/logo.png").is_none());
        let logo = WebLink::parse_https("https://a.example:8443/logo.png").unwrap();
        assert_eq!(logo.origin(), "https://a.example:8443");
    }
}
