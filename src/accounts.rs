//! Use cases of residents and of those who keep their accounts: login, sessions, consent, import.
//!
//! Satisfies the steps an authorization needs, then the page resumes it. Knows no header, cookie
//! attribute, status code or template.

pub mod administer;
pub mod consent;
pub mod import;
pub mod login;
pub mod logout;
pub mod profile;
pub mod remove;
pub mod session;

use std::sync::Arc;
use std::time::Duration;

use crate::crypto::password::PasswordPool;
use crate::domain::clock::Clock;
use crate::domain::entropy::Entropy;
use crate::domain::instant::Instant;
use crate::ledger::Ledger;
use crate::ledger::keyring::{KeyRing, Keys};
use crate::ledger::profiles::Profiles;

/// What the use cases of accounts stand on. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    ledger: Ledger,
    keys: Keys,
    profiles: Profiles,
    passwords: PasswordPool,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// How long a login lasts.
    session_ttl: Duration,
}

/// The parts an [`Accounts`] is made of.
pub struct AccountsParts {
    /// Where everything is written.
    pub ledger: Ledger,
    /// This provider's keys.
    pub keys: Keys,
    /// Personal data at rest.
    pub profiles: Profiles,
    /// The hashing threads.
    pub passwords: PasswordPool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// How long a login lasts.
    pub session_ttl: Duration,
}

impl Accounts {
    /// Puts the parts together.
    pub fn new(parts: AccountsParts) -> Self {
        let AccountsParts {
            ledger,
            keys,
            profiles,
            passwords,
            clock,
            entropy,
            session_ttl,
        } = parts;
        Self {
            ledger,
            keys,
            profiles,
            passwords,
            clock,
            entropy,
            session_ttl,
        }
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn ring(&self) -> Arc<KeyRing> {
        self.keys.ring()
    }
}
