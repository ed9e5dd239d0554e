//! Absolute web addresses as people and clients write them, kept to the letter.
//!
//! Parsers disagree about odd spellings, and every disagreement has been an attack (`@` in the
//! user part, backslashes, dot segments, decimal addresses, `localhost.evil.test`). So odd
//! spellings are refused here, and what is accepted is the exact text that was checked.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The longest address, in bytes.
const MAX_LENGTH: usize = 2048;

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebUriError {
    /// Not an absolute `https` or `http` address.
    #[error("is not an absolute https URI")]
    NotWeb,
    /// Longer than 2048 bytes.
    #[error("is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// A character outside RFC 3986, a bad percent escape, or a backslash.
    #[error("has a character that a URI may not have")]
    Character,
    /// A user part or another `@` before the path.
    #[error("has a user part before the host")]
    UserInfo,
    /// `#` and what follows.
    #[error("has a fragment")]
    Fragment,
    /// A host that is empty, or spelled in a way that parsers read differently.
    #[error("has a host that is not spelled plainly")]
    Host,
    /// `*` anywhere.
    #[error("has a wildcard; every URI is listed in full")]
    Wildcard,
    /// `.` or `..` as a part of the path, escaped or with a parameter.
    #[error("has a dot segment in its path")]
    DotSegment,
    /// Plain http to another machine.
    #[error("is plain http to a host that is not loopback")]
    Insecure,
}

/// An `https` address, or `http` on loopback, without fragment or user part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebUri(String);

impl WebUri {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, WebUriError> {
        plain_text(text)?;
        let url = Url::parse(text).map_err(|_| WebUriError::NotWeb)?;
        let written = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .ok_or(WebUriError::NotWeb)?;
        let authority = written.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') || !url.username().is_empty() || url.password().is_some() {
            return Err(WebUriError::UserInfo);
        }
        let host = url.host().ok_or(WebUriError::Host)?;
        // The host as written must be the host as parsed: no decimal or octal addresses, no
        // escapes, no trailing dot; only letter case may differ.
        let same = host_as_written(authority).eq_ignore_ascii_case(&host.to_string());
        if !same || !is_plain(&host) {
            return Err(WebUriError::Host);
        }
        if url.scheme() == "http" && !is_loopback(&host) {
            return Err(WebUriError::Insecure);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text as it was written.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, in lower case.
    #[must_use]
    pub fn host(&self) -> String {
        host_as_written(self.authority()).to_ascii_lowercase()
    }

    /// Scheme, host and port: `https://portal.example:8443`.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.is_https() { "https" } else { "http" };
        format!("{scheme}://{}", self.authority().to_ascii_lowercase())
    }

    /// Whether it is `https`, not `http` on loopback.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    fn authority(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or_default()
    }
}

impl TryFrom<String> for WebUri {
    type Error = WebUriError;

    fn try_from(text: String) -> Result<Self, WebUriError> {
        Self::parse(&text)
    }
}

impl From<WebUri> for String {
    fn from(uri: WebUri) -> Self {
        uri.0
    }
}

impl fmt::Display for WebUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What holds for every address we accept, whatever its scheme.
pub(super) fn plain_text(text: &str) -> Result<(), WebUriError> {
    if text.len() > MAX_LENGTH {
        return Err(WebUriError::TooLong);
    }
    if text.contains('#') {
        return Err(WebUriError::Fragment);
    }
    if text.contains('*') {
        return Err(WebUriError::Wildcard);
    }
    if !text.bytes().all(is_uri_byte) || !escapes_are_plain(text.as_bytes()) {
        return Err(WebUriError::Character);
    }
    let path = text.split('?').next().unwrap_or_default();
    if path.split('/').any(is_dot_segment) {
        return Err(WebUriError::DotSegment);
    }
    Ok(())
}

/// RFC 3986 §2, without `#` and `*` (refused above with a better reason).
const fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b':'
                | b'/'
                | b'?'
                | b'['
                | b']'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'%'
        )
}

/// Every `%` starts an escape, and none hides a control character or a backslash.
fn escapes_are_plain(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .enumerate()
        .filter(|&(_, &byte)| byte == b'%')
        .all(|(at, _)| {
            let code = bytes
                .get(at + 1..at + 3)
                .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                .and_then(|digits| std::str::from_utf8(digits).ok())
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            code.is_some_and(|code| code >= 0x20 && code != 0x7F && code != b'\\')
        })
}

/// `.`, `..`, either with dots escaped, either before a `;` that some servers cut off.
fn is_dot_segment(segment: &str) -> bool {
    let name = segment.split(';').next().unwrap_or_default();
    let name = name.to_ascii_lowercase().replace("%2e", ".");
    name == "." || name == ".."
}

/// The host of `host:port`, as written.
fn host_as_written(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Whether a name is made of labels of letters, digits, hyphens and underscores. URL parsers let
/// `;`, `'` and `,` pass, which would end a directive of a content security policy.
fn is_plain(host: &Host<&str>) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    match host {
        Host::Domain(name) => name.split('.').all(label),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    }
}

/// `localhost`, `*.localhost` (RFC 6761 §6.3), 127.0.0.1, `[::1]`: what stays on the machine.
pub(super) fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.as_ref();
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.octets() == [127, 0, 0, 1],
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests;
