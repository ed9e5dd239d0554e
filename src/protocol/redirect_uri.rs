//! Redirect URIs: where a browser is sent with a code (RFC 6749 §3.1.2; RFC 8252; RFC 9700 §4.1).
//!
//! A registered URI is matched by exact text. The one exception is the port of a native client's
//! `127.0.0.1` and `[::1]` (RFC 8252 §7.3), which the operating system hands out at run time.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::web_uri::{WebUri, WebUriError, plain_text};

/// Where a client runs (OIDC Registration §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// On a server or in a browser page.
    #[default]
    Web,
    /// On the resident's own device.
    Native,
}

impl ApplicationType {
    /// The value as registered.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Native => "native",
        }
    }
}

/// A registered redirect URI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Web(WebUri),
    /// A reverse-domain private scheme (RFC 8252 §7.1), such as `cn.gov.example:/cb`.
    PrivateScheme(String),
}

/// Why a redirect URI is refused at registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// See there.
    #[error(transparent)]
    Uri(#[from] WebUriError),
    /// A private scheme, but the client is not native.
    #[error("has a private scheme, which only application_type native may use")]
    NotNative,
}

impl RedirectUri {
    /// Checks `text` for a client of this type.
    pub fn register(text: &str, application: ApplicationType) -> Result<Self, RedirectUriError> {
        let uri = Self::parse(text)?;
        match (&uri.0, application) {
            (Form::PrivateScheme(_), ApplicationType::Web) => Err(RedirectUriError::NotNative),
            (Form::Web(_), _) | (Form::PrivateScheme(_), ApplicationType::Native) => Ok(uri),
        }
    }

    fn parse(text: &str) -> Result<Self, WebUriError> {
        if is_private_scheme(text) {
            plain_text(text)?;
            return Ok(Self(Form::PrivateScheme(text.to_owned())));
        }
        WebUri::parse(text).map(|uri| Self(Form::Web(uri)))
    }

    /// The text as registered.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match &self.0 {
            Form::Web(uri) => uri.as_str(),
            Form::PrivateScheme(text) => text.as_str(),
        }
    }

    /// Whether `presented` is this URI: the same text, or for native clients the same text with
    /// another port on a loopback address.
    #[must_use]
    pub fn matches(&self, presented: &str, application: ApplicationType) -> bool {
        if self.as_str() == presented {
            return true;
        }
        match application {
            ApplicationType::Web => false,
            ApplicationType::Native => match (without_port(self.as_str()), without_port(presented))
            {
                (Some(registered), Some(presented)) => registered == presented,
                _ => false,
            },
        }
    }

    /// The host that decides the sector, or the scheme where there is no host.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.0 {
            Form::Web(uri) => uri.host(),
            Form::PrivateScheme(text) => scheme(text).to_owned(),
        }
    }
}

/// What `form-action` of a content security policy must list for a redirect to `uri`, a text that
/// [`RedirectUri::matches`] has accepted: the origin, or the private scheme with its colon.
pub(super) fn origin_of(uri: &str) -> String {
    WebUri::parse(uri).map_or_else(|_| format!("{}:", scheme(uri)), |uri| uri.origin())
}

fn scheme(text: &str) -> &str {
    text.split(':').next().unwrap_or_default()
}

/// A scheme that is a domain name in reverse, thus has a dot and an owner: never `javascript:`,
/// `data:` or another that browsers and systems act on.
fn is_private_scheme(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let label = |label: &str| {
        label.starts_with(|first: char| first.is_ascii_lowercase())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    scheme.contains('.') && scheme.split('.').all(label) && rest.starts_with('/')
}

/// Splits `http://127.0.0.1:PORT/rest` into address and rest; nothing for any other URI.
fn without_port(text: &str) -> Option<(&str, &str)> {
    let (address, rest) = ["http://127.0.0.1", "http://[::1]"]
        .iter()
        .find_map(|address| text.strip_prefix(address).map(|rest| (*address, rest)))?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(after) => {
            let end = after
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(after.len());
            let (port, rest) = after.split_at_checked(end)?;
            port.parse::<u16>().ok().filter(|port| *port != 0)?;
            rest
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((address, rest))
}

impl TryFrom<String> for RedirectUri {
    type Error = WebUriError;

    fn try_from(text: String) -> Result<Self, WebUriError> {
        Self::parse(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.as_str().to_owned()
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
