//! Writing through the ledger: what it records and announces is there if and only if what it did
//! is. What the other ledger tests share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tongxing::crypto::entropy::SeededEntropy;
use tongxing::crypto::signing::{RsaSize, SigningKey};
use tongxing::crypto::verifying::VerifyingKey;
use tongxing::domain::clock::{Clock, ManualClock};
use tongxing::domain::id::{AccountId, WriterId};
use tongxing::domain::instant::Instant;
use tongxing::ledger::audit::verify::{Options, ProblemKind, Report, verify};
use tongxing::ledger::usage::UsageKind;
use tongxing::ledger::{Change, Event, EventKind, Head, Heads, Ledger};
use tongxing::protocol::jose::SignatureAlgorithm;
use tongxing::storage::migrations::MAIN;
use tongxing::storage::{Error, Storage};
use tongxing::values;

use crate::harness::{Database, on_both};

/// An installation: a database, the time, and the key of its audit log.
pub(crate) struct House {
    pub(crate) storage: Storage,
    pub(crate) clock: ManualClock,
    pub(crate) key: Arc<SigningKey>,
}

impl House {
    pub(crate) async fn new(database: &Database) -> Self {
        Self {
            storage: database.storage(&MAIN).await,
            clock: ManualClock::new(Instant::from_seconds(1_700_000_000)),
            key: audit_key(),
        }
    }

    /// One more process.
    pub(crate) fn process(&self) -> Ledger {
        let ledger = process(self.storage.clone(), &self.clock);
        ledger.sign_audit_with(Arc::clone(&self.key));
        ledger
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn verify(&self, head: Option<Head>) -> Report {
        self.verify_with(head.map(Heads::from).unwrap_or_default())
            .await
    }

    pub(crate) async fn verify_with(&self, heads: Heads) -> Report {
        let key = VerifyingKey::from_jwk(self.key.public_jwk()).unwrap();
        let options = Options {
            heads,
            now: self.clock.now(),
            keys: BTreeMap::from([(self.key.kid().to_owned(), key)]),
        };
        verify(&self.storage, &options).await.unwrap()
    }

    /// The kinds of problems found, each once.
    pub(crate) async fn problems(&self, head: Option<Head>) -> Vec<ProblemKind> {
        let report = self.verify(head).await;
        assert_eq!(report.ok, report.problems.is_empty());
        let mut kinds: Vec<ProblemKind> = Vec::new();
        for problem in report.problems {
            if !kinds.contains(&problem.kind) {
                kinds.push(problem.kind);
            }
        }
        kinds
    }

    /// What somebody with the database's password can do.
    pub(crate) async fn tamper(&self, sql: &'static str, writer: WriterId) -> u64 {
        self.storage
            .write(writer, move |tx, &writer| {
                Box::pin(async move { tx.execute(sql, values![writer]).await })
            })
            .await
            .map_err(|error: Error| error.to_string())
            .unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let mut reader = self.storage.reader().await.unwrap();
        let row = reader.fetch_optional(sql, &[]).await.unwrap().unwrap();
        row.get("n").unwrap()
    }
}

pub(crate) fn process(storage: Storage, clock: &ManualClock) -> Ledger {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let entropy = SeededEntropy::new(SEED.fetch_add(1, Ordering::Relaxed));
    Ledger::new(storage, Arc::new(clock.clone()), Arc::new(entropy))
}

pub(crate) fn audit_key() -> Arc<SigningKey> {
    let (key, _) = SigningKey::generate(SignatureAlgorithm::EdDsa, RsaSize::default()).unwrap();
    Arc::new(key)
}

pub(crate) fn login(now: Instant) -> Event {
    Event::new(EventKind::Login, now)
        .account(AccountId::from_u128(7))
        .client("portal")
        .detail(serde_json::json!({ "amr": ["pwd"] }))
}

/// Records events, each in a transaction of its own.
pub(crate) async fn record(ledger: &Ledger, events: usize) {
    for _ in 0..events {
        ledger
            .write(login(ledger.now()), |entry, event| {
                Box::pin(async move { entry.record(event).await })
            })
            .await
            .unwrap_or_else(|error: Error| panic!("{error}"));
    }
}

on_both! {
    async fn a_refused_write_leaves_neither_events_nor_changes(database: &Database) {
        #[derive(Debug)]
        struct Refused;
        impl From<Error> for Refused {
            fn from(error: Error) -> Self {
                panic!("{error}");
            }
        }
        let house = House::new(database).await;
        let ledger = house.process();
        let refused: Result<(), Refused> = ledger
            .write(login(ledger.now()), |entry, event| {
                Box::pin(async move {
                    entry.record(event).await?;
                    entry.announce(Change::KeysChanged);
                    Err(Refused)
                })
            })
            .await;
        assert!(refused.is_err());
        for table in [
            "SELECT COUNT(*) AS n FROM audit_events",
            "SELECT COUNT(*) AS n FROM audit_writers",
            "SELECT COUNT(*) AS n FROM changes",
            "SELECT COUNT(*) AS n FROM change_lanes WHERE seq > 0",
        ] {
            assert_eq!(house.count(table).await, 0, "{table}");
        }
        // The number it drew stays a gap that nobody complains about.
        record(&ledger, 2).await;
        ledger.seal().await.unwrap();
        let report = house.verify(None).await;
        assert!(report.ok, "{report:?}");
        assert_eq!((report.events, report.pending), (2, 0));
    }

    async fn a_caller_that_goes_away_loses_no_event(database: &Database) {
        let house = House::new(database).await;
        let ledger = house.process();
        for _ in 0..20 {
            let ledger = ledger.clone();
            let mut write = Box::pin(async move { record(&ledger, 1).await });
            // Polled once, so that it is under way, and given up.
            let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
            assert!(write.as_mut().poll(context).is_pending());
        }
        // They were queued before this one.
        record(&ledger, 1).await;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            house.pass(1);
            ledger.seal().await.unwrap();
            let stored = house.count("SELECT COUNT(*) AS n FROM audit_events").await;
            let report = house.verify(None).await;
            let given_up = stored.unsigned_abs();
            if report.ok && report.pending == 0 && report.events == given_up && given_up > 1 {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "{report:?}");
            tokio::task::yield_now().await;
        }
    }

    async fn what_is_counted_is_written_once(database: &Database) {
        let house = House::new(database).await;
        let ledger = house.process();
        let now = ledger.now();
        for _ in 0..3 {
            ledger.usage().count("portal", UsageKind::Refresh, now);
            ledger.usage().count_read(AccountId::from_u128(1), "portal", "name phone", now);
        }
        ledger.flush_usage().await.unwrap();
        ledger.usage().count("portal", UsageKind::Refresh, now);
        ledger.close().await.unwrap();
        let refreshes = "SELECT count AS n FROM usage_minutes WHERE kind = 'refresh'";
        let reads = "SELECT count AS n FROM usage_minutes WHERE kind = 'userinfo'";
        let days = "SELECT count AS n FROM usage_days WHERE claims = 'name phone'";
        assert_eq!(house.count(refreshes).await, 4);
        assert_eq!(house.count(reads).await, 3);
        assert_eq!(house.count(days).await, 3);
    }
}
