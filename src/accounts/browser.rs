//! The browser something was begun in: what it began opens in no other.

use serde::{Deserialize, Serialize};

use crate::crypto::digest;

/// Digest of the cookie that a browser holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct BrowserTag([u8; 16]);

impl BrowserTag {
    /// The tag of a browser's cookie.
    #[must_use]
    pub fn of(cookie: &str) -> Self {
        let digest = digest::sha256(&[b"browser", cookie.as_bytes()]);
        Self(digest.first_chunk().copied().unwrap_or_default())
    }

    /// Whether it is the tag of this cookie.
    #[must_use]
    pub fn is_of(&self, cookie: Option<&str>) -> bool {
        cookie.is_some_and(|cookie| digest::equal(&Self::of(cookie).0, &self.0))
    }
}
