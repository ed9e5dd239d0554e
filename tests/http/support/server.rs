//! The whole product in this process, on a database of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use serde_json::Value;
use tower::ServiceExt as _;

use tongxing::accounts::import::{ImportListener, ImportSummary, Rejection};
use tongxing::accounts::{Accounts, AccountsParts};
use tongxing::crypto::custody::MasterKey;
use tongxing::crypto::entropy::SystemEntropy;
use tongxing::crypto::password::{PasswordParameters, PasswordPool, PoolSettings};
use tongxing::crypto::token_cache::TokenCache;
use tongxing::domain::clock::{Clock, ManualClock};
use tongxing::domain::document::{DocumentType, IdentityDocument};
use tongxing::domain::entropy::Entropy;
use tongxing::domain::id::AccountId;
use tongxing::domain::instant::Instant;
use tongxing::http::cookies::CookiePolicy;
use tongxing::http::metrics::Metrics;
use tongxing::http::middleware::{Envelope, EnvelopeSettings, InFlight};
use tongxing::http::router::router;
use tongxing::http::state::{self, AppState};
use tongxing::ledger::keyring::{KeySettings, Keys};
use tongxing::ledger::profiles::Profiles;
use tongxing::ledger::vault::Vault;
use tongxing::ledger::{Ledger, Poller};
use tongxing::outbound::{GuardedClient, Loopback};
use tongxing::protocol::issuer::Issuer;
use tongxing::provider::clients::Clients;
use tongxing::provider::register_client::Operation;
use tongxing::provider::{Lifetimes, Provider, ProviderParts};
use tongxing::storage::database::{DatabaseUrl, Migrations, Options};
use tongxing::storage::migrations;
use tongxing::storage::{Storage, audit};
use tongxing::views::locale::Locale;
use tongxing::views::renderer::Renderer;

use super::answer::Answer;
use super::browser::Browser;
use super::people::Person;
use super::portal::Portal;
use super::template::{MAIN_FILE, Template, VAULT_FILE};
use crate::postgres::{PostgresDatabase, postgres_database};

pub(crate) const ISSUER: &str = "https://id.example";

/// When every test begins, in Unix seconds: a day after the template was made.
const BEGIN: i64 = MADE + 86_400;
/// 2026-01-05T08:00:00Z
const MADE: i64 = 1_767_600_000;

/// What a resident waits at most; more than a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// One guess costs a test nothing.
pub(crate) fn quick() -> PoolSettings {
    PoolSettings {
        threads: 1,
        queue: 256,
        parameters: PasswordParameters::new(8, 1, 1).expect("small parameters"),
    }
}

/// The server under test. Clones are the same server.
#[derive(Clone)]
pub(crate) struct Server(Arc<Running>);

/// A server's parts, for what no page and no endpoint does.
pub(crate) struct Running {
    pub(crate) clock: ManualClock,
    pub(crate) ledger: Ledger,
    pub(crate) keys: Keys,
    pub(crate) provider: Provider,
    pub(crate) accounts: Accounts,
    pub(crate) fetcher: GuardedClient,
    router: Router,
    portals: AtomicU32,
    _poller: Poller,
    _place: Place,
}

enum Place {
    Sqlite {
        _folder: tempfile::TempDir,
    },
    Postgres {
        _database: PostgresDatabase,
        _folder: tempfile::TempDir,
    },
}

impl std::ops::Deref for Server {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.0
    }
}

impl Server {
    /// A server on SQLite, with keys and all of [`Person::ALL`] in it.
    pub(crate) async fn start() -> Self {
        Self::start_hashing(quick()).await
    }

    /// The same with other work for its hashing threads. Passwords that are there stay [`quick`].
    pub(crate) async fn start_hashing(settings: PoolSettings) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Template::get().copy_to(folder.path());
        let mut parts = Parts::open_sqlite(folder.path(), settings).await;
        parts.clock.advance(seconds_between(MADE, BEGIN));
        parts.place = Some(Place::Sqlite { _folder: folder });
        parts.run().await
    }

    /// The same on PostgreSQL; none when told to do without.
    pub(crate) async fn start_on_postgres() -> Option<Self> {
        let database = postgres_database().await?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = database.url.parse().expect("a database URL");
        let mut parts = Parts::open(&url, folder.path(), quick()).await;
        parts.import_people().await;
        parts.clock.advance(seconds_between(MADE, BEGIN));
        parts.place = Some(Place::Postgres {
            _database: database,
            _folder: folder,
        });
        Some(parts.run().await)
    }

    /// A browser without cookies.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.clone())
    }

    /// A browser whose user logs in as `person` when asked to.
    pub(crate) fn browser_of(&self, person: &'static Person) -> Browser {
        let mut browser = self.browser();
        browser.belongs_to(person);
        browser
    }

    /// A portal with nothing special about it.
    pub(crate) async fn portal(&self) -> Portal {
        Portal::register(self, &serde_json::json!({})).await
    }

    /// Sends one request, as the router gets it.
    pub(crate) async fn send(&self, request: Request) -> Answer {
        // A node that has lost sight of the change feed answers 503, as it should. On a machine
        // that is busy with other tests that happens; it is not what they are about.
        while !self.ledger.feed().is_fresh() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let uri = request.uri().to_string();
        let response = self.0.router.clone().oneshot(request).await;
        let (head, body) = response.expect("a router always answers").into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a whole body");
        Answer::new(&uri, head.status, head.headers, body.to_vec())
    }

    /// GET without cookies.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        let request = Request::get(target).body(Body::empty());
        self.send(request.expect("a request")).await
    }

    /// The time in Unix seconds.
    pub(crate) fn clock_seconds(&self) -> i64 {
        self.clock.now().as_seconds()
    }

    /// Moves the clock on to `instant`.
    pub(crate) fn rig_time(&self, instant: Instant) {
        self.clock.advance(instant.since(self.clock.now()));
    }

    /// The account of a person.
    pub(crate) async fn account_of(&self, person: &Person) -> AccountId {
        let document = IdentityDocument::parse(
            DocumentType::ResidentIdCard,
            person.document_number,
            None,
            self.clock.now(),
        )
        .expect("a document");
        let found = self.accounts.find_by_document(&document).await;
        found.expect("the database answers").expect("an account")
    }

    /// How many events of a kind this server has recorded.
    pub(crate) async fn recorded(&self, kind: &str) -> usize {
        let mut reader = self.ledger.reader().await.expect("a connection");
        let everything = (0, i64::MAX);
        let events = audit::events(&mut reader, self.ledger.writer(), everything, i64::MAX).await;
        let events = events.expect("the database answers");
        events.iter().filter(|event| event.kind == kind).count()
    }

    /// An operator lets a frozen account be used again.
    pub(crate) async fn unfreeze(&self, person: &Person) {
        let account = self.account_of(person).await;
        let Operation { operator, reason } = operation();
        let released = self.accounts.unfreeze(account, operator, reason).await;
        released.expect("the account was frozen");
    }

    /// Imports one more account; how many were made of it.
    pub(crate) async fn import(&self, record: &Value) -> u64 {
        let lines = [Ok(record.to_string().into_bytes())];
        let imported = self.accounts.import(lines.into_iter(), &mut Strict).await;
        imported.expect("the database answers").imported
    }

    /// An operator freezes the account of a person.
    pub(crate) async fn freeze(&self, person: &Person) {
        let account = self.account_of(person).await;
        let Operation { operator, reason } = operation();
        let frozen = self.accounts.freeze(account, operator, reason).await;
        frozen.expect("the account was active");
    }
}

/// What operators say in tests.
pub(crate) fn operation() -> Operation {
    Operation {
        operator: "tester".to_owned(),
        reason: "a test".to_owned(),
    }
}

/// Everything but the web.
pub(super) struct Parts {
    clock: ManualClock,
    ledger: Ledger,
    vault: Storage,
    keys: Keys,
    provider: Provider,
    accounts: Accounts,
    place: Option<Place>,
}

impl Parts {
    pub(super) async fn open_sqlite(folder: &Path, hashing: PoolSettings) -> Self {
        Self::open(
            &DatabaseUrl::sqlite(&folder.join(MAIN_FILE)),
            folder,
            hashing,
        )
        .await
    }

    async fn open(url: &DatabaseUrl, folder: &Path, hashing: PoolSettings) -> Self {
        let manual = ManualClock::new(Instant::from_seconds(MADE));
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
        let keys = Keys::open(&ledger, master, KeySettings::new(ISSUER));
        let keys = keys.await.expect("keys");
        let accounts = Accounts::new(AccountsParts {
            ledger: ledger.clone(),
            keys: keys.clone(),
            profiles: profiles.await.expect("profiles"),
            passwords: PasswordPool::start(hashing, Arc::clone(&entropy)).expect("hashing threads"),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            session_ttl: Duration::from_hours(12),
        });
        let provider = Provider::new(ProviderParts {
            issuer: Arc::new(Issuer::parse(ISSUER).expect("an issuer")),
            accounts: accounts.clone(),
            ledger: ledger.clone(),
            keys: keys.clone(),
            clients: Clients::new(ledger.clone()),
            tokens: Arc::new(TokenCache::new(1000, &*entropy)),
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
            place: None,
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

    async fn run(self) -> Server {
        let poller = self.ledger.follow().await.expect("a change feed");
        let state = AppState::new(state::Parts {
            provider: self.provider.clone(),
            accounts: self.accounts.clone(),
            renderer: Renderer::new().expect("the pages"),
            cookies: CookiePolicy { secure: true },
            default_locale: Locale::En,
        });
        let envelope = Envelope::new(EnvelopeSettings {
            entropy: Arc::new(SystemEntropy),
            metrics: Arc::new(Metrics::default()),
            trusted_proxies: Vec::new(),
            in_flight: InFlight {
                login: 256,
                token: 256,
                page: 256,
                api: 256,
            },
            request_timeout: PATIENCE,
            https: true,
            log_requests: false,
        });
        Server(Arc::new(Running {
            clock: self.clock,
            ledger: self.ledger,
            keys: self.keys,
            provider: self.provider,
            accounts: self.accounts,
            fetcher: fetcher(),
            router: router(state, &envelope),
            portals: AtomicU32::new(0),
            _poller: poller,
            _place: self.place.expect("a place"),
        }))
    }
}

impl Running {
    /// A number for each portal, from 1.
    pub(super) fn next_portal(&self) -> u32 {
        self.portals.fetch_add(1, Ordering::Relaxed) + 1
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
fn fetcher() -> GuardedClient {
    // Who comes second finds it done.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    GuardedClient::new(Loopback::Refused).expect("a client")
}

/// Every line must be taken.
struct Strict;

impl ImportListener for Strict {
    fn rejected(&mut self, rejection: &Rejection) -> std::io::Result<()> {
        panic!("line {}: {}", rejection.line, rejection.reason);
    }

    fn progress(&mut self, _: &ImportSummary) {}
}

fn seconds_between(from: i64, to: i64) -> Duration {
    Instant::from_seconds(to).since(Instant::from_seconds(from))
}

/// Lets `count` tasks go at once and gathers what they return.
pub(crate) async fn race<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    task: impl Fn(usize) -> F,
) -> Vec<T> {
    let start = Arc::new(tokio::sync::Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|index| {
            let (start, task) = (Arc::clone(&start), task(index));
            tokio::spawn(async move {
                start.wait().await;
                task.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.expect("a task ends"));
    }
    results
}

/// Members of `tweaks` in place of those of `base`; `null` takes one away.
pub(crate) fn tweaked(mut base: Value, tweaks: &Value) -> Value {
    let members = base.as_object_mut().expect("an object");
    for (name, value) in tweaks.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    base
}
