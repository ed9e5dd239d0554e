//! The issuer: this provider's name, and the root of all its addresses.
//!
//! It comes from configuration only, never from a request's `Host` or `Forwarded` headers, and its
//! text is compared by clients character by character (OIDC Core §2, RFC 9207 §2.4).

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::web_uri::{WebUri, WebUriError, is_loopback};

/// `https://host[:port]`, or `http` on loopback; no path, query or trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer(WebUri);

/// Why a text cannot be an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// See there.
    #[error(transparent)]
    Uri(#[from] WebUriError),
    /// More than scheme, host and port, or letters in upper case.
    #[error("must be scheme, host and port only, in lower case and without a trailing slash")]
    NotAnOrigin,
}

impl Issuer {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        let uri = WebUri::parse(text)?;
        // As URL parsing writes it: there is one spelling, without the scheme's own port.
        let origin = Url::parse(text).map(|url| url.origin().ascii_serialization());
        if origin.is_ok_and(|origin| origin == text) {
            Ok(Self(uri))
        } else {
            Err(IssuerError::NotAnOrigin)
        }
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The address of `path`, which starts with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }

    /// The host, without port.
    #[must_use]
    pub fn host(&self) -> String {
        self.0.host()
    }

    /// Whether it names this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        Host::parse(&self.host()).is_ok_and(|host| is_loopback(&host))
    }

    /// Whether it is `https`; if not, it is on loopback.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.is_https()
    }
}

impl TryFrom<String> for Issuer {
    type Error = IssuerError;

    fn try_from(text: String) -> Result<Self, IssuerError> {
        Self::parse(&text)
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.0.into()
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_an_origin_and_nothing_else() {
        let issuer = Issuer::parse("http://localhost:8080").unwrap();
        assert_eq!(
            issuer.join("/oauth2/token"),
            "http://localhost:8080/oauth2/token"
        );
        assert!(!issuer.is_https());
        assert_eq!(
            Issuer::parse("https://id.zj.example").unwrap().host(),
            "id.zj.example"
        );
        for bad in [
            "https://id.example/",
            "https://id.example/x",
            "https://Id.example",
            "https://id.example?x",
        ] {
            assert_eq!(Issuer::parse(bad), Err(IssuerError::NotAnOrigin), "{bad}");
        }
        assert_eq!(
            Issuer::parse("http://id.example"),
            Err(IssuerError::Uri(WebUriError::Insecure))
        );
    }
}
