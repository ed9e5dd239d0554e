//! The issuer identifier: an origin, written in exactly one way.
//!
//! Relying parties compare it as text (OpenID Connect Core §3.1.3.7), so the only spelling
//! accepted is the one that URL parsing gives back.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// The provider's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    url: Url,
}

impl Issuer {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err("must be an https URL".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not carry a user name or password".to_owned());
        }
        let origin = url.origin().ascii_serialization();
        if text != origin {
            return Err(format!(
                "must be a bare origin without path, query, fragment or slash at the end, \
                 written as {origin}"
            ));
        }
        let issuer = Self { text: origin, url };
        // RFC 8414 §2: https. Loopback is for trying things out.
        if !issuer.is_https() && !issuer.is_loopback() {
            return Err("must be https: plain http is for loopback only".to_owned());
        }
        Ok(issuer)
    }

    /// As relying parties see it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As a URL (which ends in a slash that the identifier does not have).
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether residents reach it by https.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether it names this very machine.
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
            // RFC 6761 §6.3.
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
