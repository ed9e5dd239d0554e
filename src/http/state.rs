//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use super::cookies::CookiePolicy;
use crate::accounts::Accounts;
use crate::domain::clock::Clock;
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
    /// The time, which what people type is held against.
    pub clock: Arc<dyn Clock>,
    /// Who runs this server, for the privacy notice.
    pub operator: Operator,
    /// How long a logout waits for portals to confirm it.
    pub logout_patience: Duration,
}

/// Who runs this server.
#[derive(Debug, Clone, Default)]
pub struct Operator {
    /// Its name.
    pub name: Option<String>,
    /// How it is reached about personal data.
    pub contact: Option<String>,
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
