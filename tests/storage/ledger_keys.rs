//! The provider's keys: made once, opened by one master key, rotated without a gap.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tongxing::crypto::custody::MasterKey;
use tongxing::crypto::seal::Sealed;
use tongxing::crypto::signing::{RsaSize, SigningKey};
use tongxing::domain::clock::Clock;
use tongxing::domain::secret::Secret;
use tongxing::jobs;
use tongxing::ledger::Heads;
use tongxing::ledger::audit::Operation;
use tongxing::ledger::audit::verify::{Options, verify};
use tongxing::ledger::keyring::{KeySettings, Keys, KeysError, MacUse, Rotation, audit_keys};
use tongxing::protocol::jose::SignatureAlgorithm;
use tongxing::storage::Error;
use tongxing::storage::keys::{self, KeyRow};

use crate::harness::{Database, on_both, race};
use crate::ledger::{House, process, record};
use crate::noise::Promise;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note(String);

impl Sealed for Note {
    const PURPOSE: &'static str = "test note";
}

fn master(digits: &str) -> Arc<MasterKey> {
    Arc::new(MasterKey::from_text(&Secret::new(digits.repeat(32))).unwrap())
}

/// Without RSA, whose keys take their time.
fn settings() -> KeySettings {
    KeySettings {
        algorithms: vec![SignatureAlgorithm::Es256, SignatureAlgorithm::EdDsa],
        ..KeySettings::new("http://localhost:8080")
    }
}

async fn open(house: &House) -> Keys {
    let ledger = process(house.storage.clone(), &house.clock);
    Keys::open(&ledger, master("ab"), settings()).await.unwrap()
}

fn kids(keys: &Keys) -> Vec<String> {
    let ring = keys.ring();
    let kids = ring.jwks().keys.iter().filter_map(|key| key.kid.clone());
    kids.collect()
}

fn current(keys: &Keys) -> String {
    let ring = keys.ring();
    let key = ring.signing_key(SignatureAlgorithm::Es256).unwrap();
    key.kid().to_owned()
}

on_both! {
    async fn nodes_that_start_at_once_have_the_same_keys(database: &Database) {
        let house = House::new(database).await;
        let (storage, clock) = (house.storage.clone(), house.clock.clone());
        let opened = race(6, move |_| {
            let ledger = process(storage.clone(), &clock);
            async move { Keys::open(&ledger, master("ab"), settings()).await.unwrap() }
        })
        .await;
        let sealed = opened[0]
            .ring()
            .sealer()
            .seal(&Note("hello".to_owned()), &tongxing::crypto::entropy::SystemEntropy)
            .unwrap();
        for keys in &opened {
            assert_eq!(kids(keys), kids(&opened[0]));
            let note: Option<Note> = keys.ring().sealer().open(&sealed);
            assert_eq!(note, Some(Note("hello".to_owned())));
            for purpose in MacUse::ALL {
                assert_eq!(
                    keys.ring().mac(purpose).tag("test", &[b"x"]),
                    opened[0].ring().mac(purpose).tag("test", &[b"x"])
                );
            }
            let index = |keys: &Keys| keys.ring().index().of("phone", "+8613800000000");
            assert_eq!(index(keys), index(&opened[0]));
        }
        let created = "SELECT COUNT(*) AS n FROM audit_events WHERE kind = 'keys_created'";
        assert_eq!(house.count(created).await, 1);
    }

    async fn another_master_key_is_refused_and_adds_nothing(database: &Database) {
        let house = House::new(database).await;
        open(&house).await;
        let before = house.count("SELECT COUNT(*) AS n FROM keys").await;
        let ledger = house.process();
        let more = KeySettings {
            algorithms: vec![SignatureAlgorithm::Es256, SignatureAlgorithm::Rs256],
            ..settings()
        };
        let refused = Keys::open(&ledger, master("cd"), more).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the master key does not open this database's keys"
        );
        assert_eq!(house.count("SELECT COUNT(*) AS n FROM keys").await, before);
    }

    async fn an_algorithm_added_later_gets_its_key(database: &Database) {
        let house = House::new(database).await;
        let before = open(&house).await;
        let ledger = house.process();
        let all = KeySettings::new("http://localhost:8080");
        let keys = Keys::open(&ledger, master("ab"), all).await.unwrap();
        assert_eq!(current(&keys), current(&before));
        for algorithm in [SignatureAlgorithm::Rs256, SignatureAlgorithm::Ps256] {
            let key = Arc::clone(keys.ring().signing_key(algorithm).unwrap());
            assert_eq!(key.algorithm(), algorithm);
            let signature = key.sign(b"message").unwrap();
            let ring = keys.ring();
            let verifying = ring.verifying_key(key.kid()).unwrap();
            assert!(verifying.verify(b"message", &signature));
        }
        assert_eq!(kids(&keys).len(), 8, "current and next of four algorithms");
    }

    async fn rotation_publishes_ahead_and_keeps_the_old(database: &Database) {
        let house = House::new(database).await;
        let keys = open(&house).await;
        keys.prepare_next().await.unwrap();
        keys.prepare_next().await.unwrap();
        let (published, old) = (kids(&keys), current(&keys));
        assert_eq!(published.len(), 4, "current and next of two algorithms");
        let sealed = keys
            .ring()
            .sealer()
            .seal(&Note("before".to_owned()), &tongxing::crypto::entropy::SystemEntropy)
            .unwrap();
        house.pass(10);
        keys.rotate().await.unwrap();
        assert_ne!(current(&keys), old);
        assert!(published.contains(&current(&keys)), "published before its first use");
        assert_eq!(kids(&keys).len(), 6);
        assert!(keys.ring().verifying_key(&old).is_some());
        let note: Option<Note> = keys.ring().sealer().open(&sealed);
        assert_eq!(note, Some(Note("before".to_owned())));
        house.pass(24 * 3600);
        keys.reload().await.unwrap();
        assert_eq!(kids(&keys).len(), 4, "the retired are gone");
        assert!(keys.ring().verifying_key(&old).is_none());
        let note: Option<Note> = keys.ring().sealer().open(&sealed);
        assert!(note.is_some(), "seals live longer");
        let listed = serde_json::to_string(&keys.list().await.unwrap()).unwrap();
        assert!(!listed.contains("wrapped") && listed.contains("\"retired\""), "{listed}");
    }

    async fn a_key_that_leaked_leaves_the_key_set_at_once(database: &Database) {
        let house = House::new(database).await;
        let keys = open(&house).await;
        keys.prepare_next().await.unwrap();
        let oldest = current(&keys);
        house.pass(10);
        keys.rotate().await.unwrap();
        let leaked = current(&keys);
        house.pass(10);
        keys.rotate_by(&Operation::new("li", "leak"), Rotation::Emergency).await.unwrap();
        for withdrawn in [&oldest, &leaked] {
            assert!(!kids(&keys).contains(withdrawn));
            assert!(keys.ring().verifying_key(withdrawn).is_none());
        }
        assert_eq!(kids(&keys).len(), 4, "current and next of two algorithms");
        let withdrawn = "SELECT COUNT(*) AS n FROM keys WHERE status = 'withdrawn'";
        assert_eq!(house.count(withdrawn).await, 4, "only those that sign tokens");
        let note = |keys: &Keys| {
            let sealer = keys.ring();
            let entropy = &tongxing::crypto::entropy::SystemEntropy;
            sealer.sealer().seal(&Note("before".to_owned()), entropy).unwrap()
        };
        let sealed = note(&keys);
        house.pass(10);
        keys.rotate_by(&Operation::new("li", "leak"), Rotation::Emergency).await.unwrap();
        let opened: Option<Note> = keys.ring().sealer().open(&sealed);
        assert!(opened.is_some(), "nobody's login ends");
    }

    async fn two_rotations_at_once_are_one(database: &Database) {
        let house = House::new(database).await;
        let (one, other) = (open(&house).await, open(&house).await);
        one.prepare_next().await.unwrap();
        house.pass(10);
        let nodes = [one.clone(), other];
        let outcomes = race(2, move |index| {
            let keys = nodes[index].clone();
            async move { keys.rotate().await }
        })
        .await;
        let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        // Both may be done, one after the other; a half one never is.
        assert!(done >= 1);
        for outcome in outcomes {
            assert!(matches!(outcome, Ok(()) | Err(KeysError::Raced)), "{outcome:?}");
        }
        let current = "SELECT COUNT(*) AS n FROM keys WHERE status = 'current'";
        let next = "SELECT COUNT(*) AS n FROM keys WHERE status = 'next'";
        let retired = "SELECT COUNT(*) AS n FROM keys WHERE status = 'retired'";
        // Two that sign, one for the log, one that seals; six tags and the index stay.
        assert_eq!(house.count(current).await, 11);
        assert_eq!(house.count(next).await, 4);
        let done = i64::try_from(done).unwrap();
        assert_eq!(house.count(retired).await, 4 * done);
    }

    async fn other_nodes_load_new_keys_within_a_second(database: &Database) {
        let house = House::new(database).await;
        let here = open(&house).await;
        here.prepare_next().await.unwrap();
        let ledger = process(house.storage.clone(), &house.clock);
        let _poller = ledger.follow().await.unwrap();
        let there = Keys::open(&ledger, master("ab"), settings()).await.unwrap();
        let (stop, shutdown) = watch::channel(false);
        let job = tokio::spawn(jobs::keep_keys::run(there.clone(), shutdown));
        house.pass(10);
        here.rotate().await.unwrap();
        let promise = Promise::within(Duration::from_secs(1));
        loop {
            let is_due = promise.is_due();
            if current(&there) == current(&here) {
                break;
            }
            assert!(!is_due, "a second later it has the old ones");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send(true).unwrap();
        job.await.unwrap();
    }

    async fn the_log_verifies_with_the_keys_and_not_with_planted_ones(database: &Database) {
        let house = House::new(database).await;
        let ledger = process(house.storage.clone(), &house.clock);
        let keys = Keys::open(&ledger, master("ab"), settings()).await.unwrap();
        record(&ledger, 2).await;
        keys.prepare_next().await.unwrap();
        ledger.seal().await.unwrap();
        house.pass(10);
        keys.rotate().await.unwrap();
        record(&ledger, 2).await;
        ledger.close().await.unwrap();
        let (forger, _) =
            SigningKey::generate(SignatureAlgorithm::EdDsa, RsaSize::default()).unwrap();
        let planted = KeyRow {
            key_id: forger.kid().to_owned(),
            purpose: "audit".to_owned(),
            algorithm: "EdDSA".to_owned(),
            number: 99,
            status: "retired".to_owned(),
            public: Some(serde_json::to_string(forger.public_jwk()).unwrap()),
            wrapped: "1.AAAA".to_owned(),
            created_at: house.clock.now(),
            current_at: None,
            retired_at: None,
        };
        let inserted: Result<bool, Error> = house
            .storage
            .write(planted, |tx, row| Box::pin(async move { keys::insert(tx, row).await }))
            .await;
        assert!(inserted.unwrap());
        let mut reader = house.storage.reader().await.unwrap();
        let known = audit_keys(&mut reader, Some(&master("ab"))).await.unwrap();
        assert!(!known.contains_key(forger.kid()));
        assert_eq!(known.len(), 3, "retired, current and next");
        let unvouched = audit_keys(&mut reader, None).await.unwrap();
        assert!(unvouched.contains_key(forger.kid()));
        let options = Options { heads: Heads::default(), now: house.clock.now(), keys: known };
        let report = verify(&house.storage, &options).await.unwrap();
        assert!(report.ok, "{report:?}");
        assert_eq!(report.pending, 0);
        assert!(report.events >= 6);
    }
}
