//! The OpenID Provider: one use case per file. Knows no header, cookie, status code or template.

mod access_token;
pub mod authorize;
pub mod backchannel_logout;
pub mod client_authentication;
pub mod clients;
pub mod disclosure;
pub mod discovery;
pub mod end_session;
mod failure;
pub mod interaction;
pub mod introspect;
mod posted;
pub mod register_client;
pub mod revoke;
pub mod subject;
pub mod token;
pub mod userinfo;

use std::sync::Arc;
use std::time::Duration;

use crate::accounts::Accounts;
use crate::crypto::token_cache::TokenCache;
use crate::domain::clock::Clock;
use crate::domain::entropy::Entropy;
use crate::domain::instant::Instant;
use crate::ledger::Ledger;
use crate::ledger::keyring::{KeyRing, Keys};
use crate::protocol::issuer::Issuer;
use backchannel_logout::health::ClientHealth;
use clients::Clients;

/// How long what the provider issues lives.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// Authorization codes; at most 60 s.
    pub code: Duration,
    /// Access tokens.
    pub access_token: Duration,
    /// ID tokens.
    pub id_token: Duration,
    /// Refresh token families.
    pub refresh_token: Duration,
    /// Paused authorization requests.
    pub interaction: Duration,
}

/// The OpenID Provider. Cheap to clone.
#[derive(Clone)]
pub struct Provider {
    issuer: Arc<Issuer>,
    accounts: Accounts,
    ledger: Ledger,
    keys: Keys,
    clients: Clients,
    tokens: Arc<TokenCache>,
    client_health: ClientHealth,
    lifetimes: Lifetimes,
    void_before: Option<Instant>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// The parts a [`Provider`] is made of.
pub struct ProviderParts {
    /// The issuer identifier.
    pub issuer: Arc<Issuer>,
    /// Who logs in and consents.
    pub accounts: Accounts,
    /// Where everything is written.
    pub ledger: Ledger,
    /// This provider's keys.
    pub keys: Keys,
    /// Registered clients.
    pub clients: Clients,
    /// Access tokens that this process signed.
    pub tokens: Arc<TokenCache>,
    /// How long what is issued lives.
    pub lifetimes: Lifetimes,
    /// Until when codes and refresh tokens that rotate are void, since the database was restored.
    pub void_before: Option<Instant>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Provider {
    /// Puts the parts together.
    pub fn new(parts: ProviderParts) -> Self {
        let ProviderParts {
            issuer,
            accounts,
            ledger,
            keys,
            clients,
            tokens,
            lifetimes,
            void_before,
            clock,
            entropy,
        } = parts;
        Self {
            issuer,
            accounts,
            ledger,
            keys,
            clients,
            tokens,
            client_health: ClientHealth::default(),
            lifetimes,
            void_before,
            clock,
            entropy,
        }
    }

    /// Its issuer identifier.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Whether what was issued then may have been used in a time that a restore took away.
    fn is_void(&self, issued_at: Instant) -> bool {
        self.void_before.is_some_and(|before| issued_at <= before)
    }

    /// The accounts it logs in.
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The registered clients.
    pub const fn clients(&self) -> &Clients {
        &self.clients
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn ring(&self) -> Arc<KeyRing> {
        self.keys.ring()
    }
}
