//! The whole product in this process, on a database of its own.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use serde_json::Value;
use tower::ServiceExt as _;

use tongxing::accounts::Accounts;
use tongxing::crypto::entropy::SystemEntropy;
use tongxing::crypto::password::PoolSettings;
use tongxing::domain::clock::{Clock, ManualClock};
use tongxing::domain::document::{DocumentType, IdentityDocument};
use tongxing::domain::id::AccountId;
use tongxing::domain::instant::Instant;
use tongxing::http::cookies::CookiePolicy;
use tongxing::http::metrics::Metrics;
use tongxing::http::middleware::{Envelope, EnvelopeSettings, InFlight};
use tongxing::http::router::router;
use tongxing::http::state::{self, AppState, Operator};
use tongxing::ledger::audit::Operation;
use tongxing::ledger::keyring::Keys;
use tongxing::ledger::{Ledger, Poller};
use tongxing::outbound::GuardedClient;
use tongxing::provider::Provider;
use tongxing::storage::audit;
use tongxing::views::locale::Locale;
use tongxing::views::renderer::Renderer;

use super::answer::Answer;
use super::applicant::Applicant;
use super::authority::TestAuthority;
use super::browser::Browser;
use super::parts::{MADE, PATIENCE, Parts, Strict, fetcher};
pub(crate) use super::parts::{Setup, quick};
use super::people::Person;
use super::portal::Portal;
use super::template::{MAIN_FILE, Template};
use crate::postgres::{PostgresDatabase, postgres_database};

pub(crate) const ISSUER: &str = "https://id.example";

/// When every test begins, in Unix seconds: a day after the template was made.
const BEGIN: i64 = MADE + 86_400;

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
    pub(crate) authority: TestAuthority,
    pub(crate) fetcher: GuardedClient,
    router: Router,
    portals: AtomicU32,
    browsers: AtomicU32,
    _poller: Poller,
    place: Place,
}

enum Place {
    Sqlite(tempfile::TempDir),
    Postgres {
        database: PostgresDatabase,
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
    /// A server on SQLite, with keys and all of [`Person::ALL`] in it; the authority knows them.
    pub(crate) async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// The same with other work for its hashing threads. Passwords that are there stay [`quick`].
    pub(crate) async fn start_hashing(hashing: PoolSettings) -> Self {
        Self::start_with(Setup {
            hashing,
            ..Setup::default()
        })
        .await
    }

    /// The same, set up otherwise.
    pub(crate) async fn start_with(setup: Setup) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Template::get().copy_to(folder.path());
        let clock = ManualClock::new(Instant::from_seconds(BEGIN));
        let (authority, asks) = TestAuthority::serve(&clock);
        let asks = Some(asks).filter(|_| setup.open);
        let parts = Parts::open_sqlite(folder.path(), setup, (clock, asks)).await;
        Self::over(parts, authority, Place::Sqlite(folder)).await
    }

    /// The same on PostgreSQL; none when told to do without.
    pub(crate) async fn start_on_postgres() -> Option<Self> {
        let database = postgres_database().await?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = database.url.parse().expect("a database URL");
        let clock = ManualClock::new(Instant::from_seconds(MADE));
        let (authority, asks) = TestAuthority::serve(&clock);
        let setup = Setup::default();
        let parts = Parts::open(&url, folder.path(), setup, (clock, Some(asks))).await;
        parts.import_people().await;
        parts.clock.advance(seconds_between(MADE, BEGIN));
        let place = Place::Postgres {
            database,
            _folder: folder,
        };
        Some(Self::over(parts, authority, place).await)
    }

    async fn over(parts: Parts, authority: TestAuthority, place: Place) -> Self {
        authority.knows(&Person::ALL.map(Applicant::of).each_ref());
        let poller = parts.ledger.follow().await.expect("a change feed");
        let state = AppState::new(state::Parts {
            provider: parts.provider.clone(),
            accounts: parts.accounts.clone(),
            renderer: Renderer::new().expect("the pages"),
            cookies: CookiePolicy { secure: true },
            default_locale: Locale::En,
            clock: Arc::new(parts.clock.clone()),
            operator: Operator {
                name: Some("The operator".to_owned()),
                contact: Some("privacy@operator.example".to_owned()),
            },
            logout_patience: parts.logout_patience,
        });
        let envelope = Envelope::new(EnvelopeSettings {
            entropy: Arc::new(SystemEntropy),
            metrics: Arc::new(Metrics::default()),
            trusted_proxies: Vec::new(),
            in_flight: InFlight {
                login: parts.logins,
                token: 256,
                page: 256,
                api: 256,
                logout: 256,
            },
            request_timeout: PATIENCE,
            https: true,
            log_requests: false,
        });
        Self(Arc::new(Running {
            clock: parts.clock,
            ledger: parts.ledger,
            keys: parts.keys,
            provider: parts.provider,
            accounts: parts.accounts,
            authority,
            fetcher: fetcher(),
            router: router(state, &envelope),
            portals: AtomicU32::new(0),
            browsers: AtomicU32::new(0),
            _poller: poller,
            place,
        }))
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

    /// A digest of the database as it is on the disk: any transaction changes it, reading does not.
    pub(crate) fn database_digest(&self) -> [u8; 32] {
        let Place::Sqlite(folder) = &self.place else {
            panic!("only a file can be looked at");
        };
        let read = |name: String| std::fs::read(folder.path().join(name)).unwrap_or_default();
        let (main, log) = (read(MAIN_FILE.to_owned()), read(format!("{MAIN_FILE}-wal")));
        tongxing::crypto::digest::sha256(&[&main, &log])
    }

    /// Its database, for who has something to do there beside it.
    pub(crate) fn postgres_url(&self) -> &str {
        let Place::Postgres { database, .. } = &self.place else {
            panic!("it is a file");
        };
        &database.url
    }

    /// How many events of a kind this server has recorded.
    pub(crate) async fn recorded(&self, kind: &str) -> usize {
        let events = self.events().await;
        events.iter().filter(|event| *event == kind).count()
    }

    /// The kinds of all events that this server has recorded, in their order.
    pub(crate) async fn events(&self) -> Vec<String> {
        let mut reader = self.ledger.reader().await.expect("a connection");
        let everything = (0, i64::MAX);
        let events = audit::events(&mut reader, self.ledger.writer(), everything, i64::MAX).await;
        let events = events.expect("the database answers");
        events.into_iter().map(|event| event.kind).collect()
    }

    /// An operator lets a frozen account be used again.
    pub(crate) async fn unfreeze(&self, person: &Person) {
        let account = self.account_of(person).await;
        let released = self.accounts.unfreeze(account, operation()).await;
        released.expect("the account was frozen");
    }

    /// Imports one more account; how many were made of it.
    pub(crate) async fn import(&self, record: &Value) -> u64 {
        self.import_all(std::slice::from_ref(record)).await
    }

    /// Imports more accounts; how many were made of them.
    pub(crate) async fn import_all(&self, records: &[Value]) -> u64 {
        let lines = records.iter().map(|one| Ok(one.to_string().into_bytes()));
        let imported = self.accounts.import(lines, &mut Strict).await;
        imported.expect("the database answers").imported
    }

    /// An operator freezes the account of a person.
    pub(crate) async fn freeze(&self, person: &Person) {
        let account = self.account_of(person).await;
        let frozen = self.accounts.freeze(account, operation()).await;
        frozen.expect("the account was active");
    }
}

/// What operators say in tests.
pub(crate) fn operation() -> Operation {
    Operation::new("tester", "a test")
}

impl Running {
    /// A number for each portal, from 1.
    pub(super) fn next_portal(&self) -> u32 {
        self.portals.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// An address block for each browser: few share one.
    pub(super) fn next_address(&self) -> IpAddr {
        let [_, b, c, d] = self.browsers.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Ipv4Addr::new(10 + b, c, d, 7).into()
    }
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
