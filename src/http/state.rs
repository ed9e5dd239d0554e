//! What every handler can reach.

use std::sync::Arc;

use super::cookies::CookiePolicy;
use crate::accounts::Accounts;
use crate::provider::Provider;
use crate::views::locale::Locale;
use crate::views::renderer::Renderer;

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of an [`AppState`].
pub struct Parts {
    /// The OpenID Provider.
    pub provider: Provider,
    /// Logins and accounts.
    pub accounts: Accounts,
    /// The pages.
    pub renderer: Renderer,
    /// How cookies are set.
    pub cookies: CookiePolicy,
    /// The language of who wants none of ours.
    pub default_locale: Locale,
}

impl AppState {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
