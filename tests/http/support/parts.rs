//! Everything but the web: databases, keys, use cases, as the composition root puts them together,
//! with a clock that stands still and hashing that costs nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tongxing::accounts::guessing::GuessLimits;
use tongxing::accounts::import::{ImportListener, ImportSummary, Rejection};
use tongxing::accounts::limits::CodeLimits;
use tongxing::accounts::{Accounts, AccountsParts};
use tongxing::crypto::custody::MasterKey;
use tongxing::crypto::entropy::SystemEntropy;
use tongxing::crypto::password::{PasswordParameters, PasswordPool, PoolSettings};
use tongxing::crypto::token_cache::TokenCache;
use tongxing::domain::clock::{Clock, ManualClock};
use tongxing::domain::entropy::Entropy;
use tongxing::ledger::Ledger;
use tongxing::ledger::erasures::Erasures;
use tongxing::ledger::journal::Journal;
use tongxing::ledger::keyring::{KeySettings, Keys};
use tongxing::ledger::profiles::Profiles;
use tongxing::ledger::vault::Vault;
use tongxing::outbound::{Authority, GuardedClient, Loopback};
use tongxing::protocol::issuer::Issuer;
use tongxing::provider::clients::Clients;
use tongxing::provider::{Lifetimes, Provider, ProviderParts};
use tongxing::storage::Storage;
use tongxing::storage::database::{DatabaseUrl, Migrations, Options};
use tongxing::storage::migrations;
use tongxing::storage::shared::SharedFailures;

use super::people::Person;
use super::server::ISSUER;
use super::template::{MAIN_FILE, VAULT_FILE};

/// 2026-01-05T08:00:00Z
pub(super) const MADE: i64 = 1_767_600_000;

/// What a resident waits at most; more than a busy machine needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a login lasts.
const SESSION_TTL: Duration = Duration::from_hours(12);

/// How long an authority's answer counts.
pub(crate) const CHECKS_COUNT_FOR: Duration = Duration::from_hours(365 * 24);

/// One guess costs a test nothing.
pub(crate) fn quick() -> PoolSettings {
    PoolSettings {
        threads: 1,
        queue: 256,
        parameters: PasswordParameters::new(8, 1, 1).expect("small parameters"),
    }
}

/// How a server differs from others.
#[derive(Clone)]
pub(crate) struct Setup {
    /// What its hashing threads do.
    pub(crate) hashing: PoolSettings,
    /// How many codes it sends in an hour.
    pub(crate) code_limits: CodeLimits,
    /// How often passwords may be guessed.
    pub(crate) guess_limits: GuessLimits,
    /// Whether residents can register: there is an authority.
    pub(crate) open: bool,
    /// How long the last page of a logout waits for portals to confirm it.
    pub(crate) logout_patience: Duration,
    /// How many logins may be under way.
    pub(crate) logins: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            hashing: quick(),
            code_limits: CodeLimits {
                per_phone: 5,
                per_document: 5,
                per_block: 100,
            },
            guess_limits: GuessLimits {
                tries: 5,
                longest_delay: Duration::from_mins(15),
                per_block: 300,
            },
            open: true,
            logout_patience: tongxing::http::pages::logout::PATIENCE,
            logins: 256,
        }
    }
}

/// Everything but the web.
pub(super) struct Parts {
    pub(super) clock: ManualClock,
    pub(super) ledger: Ledger,
    vault: Storage,
    pub(super) keys: Keys,
    pub(super) provider: Provider,
    pub(super) accounts: Accounts,
    pub(super) logout_patience: Duration,
    pub(super) logins: u32,
}

impl Parts {
    pub(super) async fn open_sqlite(
        folder: &Path,
        setup: Setup,
        surroundings: (ManualClock, Option<Authority>),
    ) -> Self {
        let url = DatabaseUrl::sqlite(&folder.join(MAIN_FILE));
        Self::open(&url, folder, setup, surroundings).await
    }

    pub(super) async fn open(
        url: &DatabaseUrl,
        folder: &Path,
        setup: Setup,
        (manual, authority): (ManualClock, Option<Authority>),
    ) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(manual.clone());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let master = Arc::new(MasterKey::from_bytes(&[7; 32]));
        let main = storage(url, &migrations::MAIN).await;
        let vault = storage(
            &DatabaseUrl::sqlite(&folder.join(VAULT_FILE)),
            &migrations::VAULT,
        )
        .await;
        let ledger = Ledger::new(main, Arc::clone(&clock), Arc::clone(&entropy));
        let opened = Vault::open(
            vault.clone(),
            Arc::clone(&master),
            Arc::clone(&clock),
            Arc::clone(&entropy),
        );
        let profiles = Profiles::open(&ledger, opened.await.expect("a key store"));
        let profiles = profiles.await.expect("profiles");
        let journal = Journal::new(ledger.clone(), vault.clone(), SESSION_TTL);
        let keys = Keys::open(&ledger, master, KeySettings::new(ISSUER));
        let keys = keys.await.expect("keys");
        let accounts = Accounts::new(AccountsParts {
            ledger: ledger.clone(),
            keys: keys.clone(),
            profiles: profiles.clone(),
            erasures: Erasures::new(profiles, journal),
            passwords: PasswordPool::start(setup.hashing, Arc::clone(&entropy))
                .expect("hashing threads"),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            session_ttl: SESSION_TTL,
            sends_messages: authority.is_some(),
            authority,
            code_limits: setup.code_limits,
            guess_limits: setup.guess_limits,
            block_failures: SharedFailures::in_memory(),
            check_lifetime: CHECKS_COUNT_FOR,
        });
        let provider = Provider::new(ProviderParts {
            issuer: Arc::new(Issuer::parse(ISSUER).expect("an issuer")),
            accounts: accounts.clone(),
            ledger: ledger.clone(),
            keys: keys.clone(),
            clients: Clients::new(ledger.clone()),
            tokens: Arc::new(TokenCache::new(1000, &*entropy)),
            void_before: None,
            lifetimes: Lifetimes {
                code: Duration::from_mins(1),
                access_token: Duration::from_mins(5),
                id_token: Duration::from_mins(5),
                refresh_token: Duration::from_hours(24 * 30),
                interaction: Duration::from_mins(10),
            },
            clock,
            entropy,
        });
        Self {
            clock: manual,
            ledger,
            vault,
            keys,
            provider,
            accounts,
            logout_patience: setup.logout_patience,
            logins: setup.logins,
        }
    }

    pub(super) async fn import_people(&self) {
        let lines = Person::ALL.map(|person| Ok(person.record().to_string().into_bytes()));
        let imported = self.accounts.import(lines.into_iter(), &mut Strict).await;
        let imported = imported.expect("the database answers").imported;
        assert_eq!(imported, Person::ALL.len() as u64);
    }

    pub(super) async fn close(self) {
        self.ledger.storage().close().await;
        self.vault.close().await;
    }
}

async fn storage(url: &DatabaseUrl, migrations: &'static Migrations) -> Storage {
    let options = Options {
        connections: 4,
        pool_wait: PATIENCE,
        busy_timeout: PATIENCE,
        ..Options::default()
    };
    let storage = Storage::open(url, migrations, options).await;
    let storage = storage.expect("a database");
    storage.migrate().await.expect("a schema");
    storage
}

/// Fetches for real, so that it refuses as it should.
pub(super) fn fetcher() -> GuardedClient {
    // Who comes second finds it done.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    GuardedClient::new(Loopback::Refused).expect("a client")
}

/// Every line must be taken.
pub(super) struct Strict;

impl ImportListener for Strict {
    fn rejected(&mut self, rejection: &Rejection) -> std::io::Result<()> {
        panic!("line {}: {}", rejection.line, rejection.reason);
    }

    fn progress(&mut self, _: &ImportSummary) {}
}
