//! A request that a portal's page posted, on its way through one redirect of ours.
//!
//! Such a form does not bring our cookies (SameSite=Lax); the GET that follows a redirect does. What
//! it says may be personal (`login_hint`, `logout_hint`) and must be in no address, so it travels
//! sealed. It proves nothing: anybody could have posted it.

use serde::{Deserialize, Serialize};

use super::Provider;
use crate::crypto::seal::{SealError, Sealed};
use crate::domain::instant::Instant;

#[derive(Serialize, Deserialize)]
struct Posted {
    /// The endpoint it was posted to.
    path: String,
    form: Vec<u8>,
    at: Instant,
}

impl Sealed for Posted {
    const PURPOSE: &'static str = "posted-request";
}

impl Provider {
    /// Seals the form that was posted to `path`.
    pub fn seal_posted(&self, path: &str, form: &[u8]) -> Result<String, SealError> {
        let posted = Posted {
            path: path.to_owned(),
            form: form.to_owned(),
            at: self.now(),
        };
        self.ring().sealer().seal(&posted, &*self.entropy)
    }

    /// The form that was posted to `path`, for as long as an interaction may take.
    pub fn open_posted(&self, path: &str, sealed: &str) -> Option<Vec<u8>> {
        let posted = self.ring().sealer().open::<Posted>(sealed)?;
        let holds =
            posted.path == path && self.now().since(posted.at) <= self.lifetimes.interaction;
        holds.then_some(posted.form)
    }
}
