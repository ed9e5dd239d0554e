//! One master key takes the place of another while servers run: nothing is lost, nothing comes back,
//! and afterwards the old one opens nothing.

use std::sync::Arc;

use tongxing::crypto::custody::MasterKey;
use tongxing::crypto::entropy::SystemEntropy;
use tongxing::domain::secret::Secret;
use tongxing::ledger::audit::Operation;
use tongxing::ledger::keyring::{KeySettings, Keys, KeysError, Rewrapping};
use tongxing::ledger::vault::{Bucket, Vault, VaultError};
use tongxing::protocol::jose::SignatureAlgorithm;
use tongxing::storage::Storage;
use tongxing::storage::migrations::VAULT;

use crate::harness::{Database, on_both};
use crate::ledger::{House, process};

const BUCKETS: u16 = 1_200;

fn master(digits: &str) -> MasterKey {
    MasterKey::from_text(&Secret::new(digits.repeat(32))).unwrap()
}

/// The key that wrapped everything so far.
fn old() -> MasterKey {
    master("ab")
}

/// The key that is to.
fn new() -> MasterKey {
    master("cd")
}

fn settings() -> KeySettings {
    KeySettings {
        algorithms: vec![SignatureAlgorithm::Es256, SignatureAlgorithm::EdDsa],
        ..KeySettings::new("http://localhost:8080")
    }
}

async fn open(store: &Storage, house: &House, master: MasterKey) -> Result<Vault, VaultError> {
    let clock = Arc::new(house.clock.clone());
    Vault::open(
        store.clone(),
        Arc::new(master),
        clock,
        Arc::new(SystemEntropy),
    )
    .await
}

async fn open_keys(house: &House, master: MasterKey) -> Result<Keys, KeysError> {
    let ledger = process(house.storage.clone(), &house.clock);
    Keys::open(&ledger, Arc::new(master), settings()).await
}

fn buckets() -> Vec<Bucket> {
    (0..BUCKETS).map(Bucket::new).collect()
}

/// Something sealed in each bucket, to be opened at the end.
async fn sealed(vault: &Vault) -> Vec<(Bucket, i64, String)> {
    let mut sealed = Vec::new();
    for bucket in buckets() {
        let (version, key) = vault.current(bucket).await.unwrap();
        let text = key.seal("test", b"x", &SystemEntropy).unwrap();
        sealed.push((bucket, version, text));
    }
    sealed
}

async fn opens(vault: &Vault, sealed: &[(Bucket, i64, String)]) {
    for (bucket, version, text) in sealed {
        let key = vault.key(*bucket, *version).await.unwrap();
        assert!(key.open("test", text).is_some(), "{bucket:?}");
    }
}

const DONE: fn(u64, u64) -> Rewrapping = |rewrapped, kept| Rewrapping { rewrapped, kept };

on_both! {
    async fn a_rewrapping_that_is_interrupted_is_finished_by_the_next(database: &Database) {
        let store = database.storage(&VAULT).await;
        let file = Database::sqlite();
        let house = House::new(&file).await;
        let before = open(&store, &house, old()).await.unwrap();
        before.prepare(&buckets()).await.unwrap();
        let sealed = sealed(&before).await;
        // Rolled out: a node that still wraps with the old key, and one that wraps with the new.
        let here = open(&store, &house, old().with_other(new())).await.unwrap();
        let there = open(&store, &house, new().with_other(old())).await.unwrap();
        there.outdate_other().await.unwrap();
        let (page, next) = there.rewrap_page((-1, 0)).await.unwrap();
        assert_eq!(page, DONE(512, 0));
        assert_eq!(next, Some((511, 1)));
        // Both go on, and so does each that starts now; who has one key only does not start.
        for vault in [&here, &there] {
            vault.reload().await.unwrap();
            opens(vault, &sealed).await;
        }
        for alone in [old(), new()] {
            let refused = open(&store, &house, alone).await.unwrap_err();
            assert!(matches!(refused, VaultError::WrongMasterKey));
        }
        let later = open(&store, &house, new().with_other(old())).await.unwrap();
        let rest = u64::from(BUCKETS) - 512;
        assert_eq!(later.rewrap().await.unwrap(), DONE(rest, 512));
        assert_eq!(later.rewrap().await.unwrap(), DONE(0, u64::from(BUCKETS)));
        let after = open(&store, &house, new()).await.unwrap();
        opens(&after, &sealed).await;
        assert_eq!(after.id(), before.id());
        let refused = open(&store, &house, old()).await.unwrap_err();
        assert_eq!(refused.to_string(), "the master key does not open this key store");
    }

    async fn keys_that_nodes_make_meanwhile_are_never_under_the_old_one(database: &Database) {
        let store = database.storage(&VAULT).await;
        let file = Database::sqlite();
        let house = House::new(&file).await;
        let before = open(&store, &house, old()).await.unwrap();
        before.prepare(&buckets()).await.unwrap();
        let mut makers = Vec::new();
        for node in 0..4_u16 {
            let one = if node % 2 == 0 { old().with_other(new()) } else { new().with_other(old()) };
            let vault = open(&store, &house, one).await.unwrap();
            makers.push(tokio::spawn(async move {
                let mut refused = 0;
                for number in 0..100 {
                    let bucket = Bucket::new(BUCKETS + node * 100 + number);
                    match vault.current(bucket).await {
                        Ok(_) => {}
                        Err(VaultError::OutdatedMasterKey) => refused += 1,
                        Err(error) => panic!("{error}"),
                    }
                    // And a key that is there already is replaced.
                    match vault.supersede(Bucket::new(node * 100 + number), 1).await {
                        Ok(_) | Err(VaultError::OutdatedMasterKey) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                (node, refused)
            }));
        }
        let there = open(&store, &house, new().with_other(old())).await.unwrap();
        there.rewrap().await.unwrap();
        for maker in makers {
            let (node, refused) = maker.await.unwrap();
            assert!(node % 2 == 0 || refused == 0, "the new key is never refused");
        }
        // Whatever was made before, during or after: the new key opens all of it.
        open(&store, &house, new()).await.unwrap();
    }

    async fn a_key_that_is_destroyed_meanwhile_stays_destroyed(database: &Database) {
        let store = database.storage(&VAULT).await;
        let file = Database::sqlite();
        let house = House::new(&file).await;
        let before = open(&store, &house, old()).await.unwrap();
        before.prepare(&buckets()).await.unwrap();
        let there = open(&store, &house, new().with_other(old())).await.unwrap();
        let eraser = {
            let vault = open(&store, &house, new().with_other(old())).await.unwrap();
            tokio::spawn(async move {
                for number in 0..50 {
                    let bucket = Bucket::new(number * 20);
                    let version = vault.supersede(bucket, 1).await.unwrap();
                    vault.destroy_below(bucket, version).await.unwrap();
                }
            })
        };
        there.rewrap().await.unwrap();
        eraser.await.unwrap();
        let after = open(&store, &house, new()).await.unwrap();
        for number in 0..50 {
            let gone = after.key(Bucket::new(number * 20), 1).await;
            assert!(matches!(gone, Err(VaultError::NoSuchKey { .. })));
            assert!(after.key(Bucket::new(number * 20), 2).await.is_ok());
        }
    }

    async fn the_databases_keys_change_their_master_key(database: &Database) {
        let house = House::new(database).await;
        let before = open_keys(&house, old()).await.unwrap();
        before.prepare_next().await.unwrap();
        let here = open_keys(&house, old().with_other(new())).await.unwrap();
        let there = open_keys(&house, new().with_other(old())).await.unwrap();
        house.pass(10);
        // Each may still make keys, under its own.
        here.rotate().await.unwrap();
        there.reload().await.unwrap();
        let total = u64::try_from(there.list().await.unwrap().len()).unwrap();
        let done = there.rewrap().await.unwrap();
        assert_eq!(done, DONE(total, 0));
        assert_eq!(there.rewrap().await.unwrap(), DONE(0, total));
        let by = Operation::new("li", "yearly");
        there.note_rewrapped(&by, (done, done)).await.unwrap();
        let noted = "SELECT COUNT(*) AS n FROM audit_events WHERE kind = 'keys_rewrapped'";
        assert_eq!(house.count(noted).await, 1);
        // Who wraps with the old one still works, and makes no keys any more.
        here.reload().await.unwrap();
        house.pass(10);
        let refused = here.rotate().await.unwrap_err();
        assert!(matches!(refused, KeysError::OutdatedMasterKey), "{refused}");
        there.rotate().await.unwrap();
        let after = open_keys(&house, new()).await.unwrap();
        assert_eq!(after.ring().jwks().keys.len(), there.ring().jwks().keys.len());
        let refused = open_keys(&house, old()).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the master key does not open this database's keys"
        );
    }
}

/// Whoever has the old master key finds nothing for it in the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_the_old_wrapping_is_in_no_file() {
    let database = Database::sqlite();
    let store = database.storage(&VAULT).await;
    let file = Database::sqlite();
    let house = House::new(&file).await;
    let before = open(&store, &house, old()).await.unwrap();
    before.prepare(&buckets()).await.unwrap();
    let mut reader = store.reader().await.unwrap();
    let sql = "SELECT wrapped FROM bucket_keys ORDER BY bucket";
    let rows = reader.fetch_all(sql, &[]).await.unwrap();
    let old_texts: Vec<String> = rows.iter().map(|row| row.get("wrapped").unwrap()).collect();
    drop((rows, reader));
    let stored = || {
        let path = database.url.file().unwrap();
        let log = path.with_file_name("test.db-wal");
        let mut bytes = std::fs::read(path).unwrap();
        bytes.extend(std::fs::read(log).unwrap_or_default());
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let text = stored();
    assert!(old_texts.iter().all(|old| text.contains(old.as_str())));
    let there = open(&store, &house, new().with_other(old())).await.unwrap();
    there.rewrap().await.unwrap();
    let text = stored();
    let left = old_texts.iter().filter(|old| text.contains(old.as_str()));
    assert_eq!(left.count(), 0);
}
