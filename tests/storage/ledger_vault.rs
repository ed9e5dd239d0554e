//! The key store and sealed profiles: who lacks a key has nothing, and nothing can be moved.

use std::sync::Arc;

use tongxing::crypto::custody::MasterKey;
use tongxing::crypto::entropy::SystemEntropy;
use tongxing::domain::id::AccountId;
use tongxing::domain::secret::Secret;
use tongxing::ledger::Ledger;
use tongxing::ledger::profiles::{ProfileError, Profiles};
use tongxing::ledger::vault::{Bucket, Vault, VaultError};
use tongxing::storage::migrations::VAULT;
use tongxing::storage::{self, Error, Storage};

use crate::harness::{Database, on_both, race};
use crate::ledger::House;

pub(crate) fn master(digits: &str) -> Arc<MasterKey> {
    Arc::new(MasterKey::from_text(&Secret::new(digits.repeat(32))).unwrap())
}

/// The key store of a test lies in a file: the main database is on the engine under test, and so
/// is the key store in the tests that are about it.
pub(crate) async fn vault(storage: Storage, ledger: &Ledger) -> Result<Vault, VaultError> {
    let clock = Arc::clone(ledger.clock());
    Vault::open(storage, master("ab"), clock, Arc::new(SystemEntropy)).await
}

on_both! {
    async fn racers_for_a_bucket_get_one_key(database: &Database) {
        let store = database.storage(&VAULT).await;
        let file = Database::sqlite();
        let house = House::new(&file).await;
        let ledger = house.process();
        let keys = race(16, {
            let (store, ledger) = (store.clone(), ledger.clone());
            move |_| {
                let (store, ledger) = (store.clone(), ledger.clone());
                async move {
                    let vault = vault(store, &ledger).await.unwrap();
                    let (version, key) = vault.current(Bucket::new(65_535)).await.unwrap();
                    (vault.id().to_owned(), version, key)
                }
            }
        })
        .await;
        let (id, _, first) = &keys[0];
        let sealed = first.seal("test", b"profile", &SystemEntropy).unwrap();
        for (other, version, key) in &keys {
            assert_eq!((other, *version), (id, 1));
            assert_eq!(*key.open("test", &sealed).unwrap(), b"profile");
        }
        // One that opens later has it in memory, one that was open learns of it.
        let late = vault(store, &ledger).await.unwrap();
        assert!(late.key(Bucket::new(65_535), 1).await.is_ok());
        let unknown = late.key(Bucket::new(65_535), 2).await;
        assert!(matches!(unknown, Err(VaultError::NoSuchKey { .. })));
    }

    async fn many_buckets_are_made_at_once_and_loaded(database: &Database) {
        let store = database.storage(&VAULT).await;
        let file = Database::sqlite();
        let house = House::new(&file).await;
        let ledger = house.process();
        let (one, other) = (
            vault(store.clone(), &ledger).await.unwrap(),
            vault(store.clone(), &ledger).await.unwrap(),
        );
        let buckets: Vec<Bucket> = (0..1500).map(Bucket::new).collect();
        one.prepare(&buckets).await.unwrap();
        one.prepare(&buckets).await.unwrap();
        let later = vault(store, &ledger).await.unwrap();
        for bucket in [0, 700, 1499].map(Bucket::new) {
            let (_, key) = one.current(bucket).await.unwrap();
            let sealed = key.seal("test", b"x", &SystemEntropy).unwrap();
            for vault in [&other, &later] {
                let key = vault.key(bucket, 1).await.unwrap();
                assert!(key.open("test", &sealed).is_some());
            }
        }
    }

    async fn another_master_key_does_not_open_the_store(database: &Database) {
        let store = database.storage(&VAULT).await;
        let file = Database::sqlite();
        let house = House::new(&file).await;
        let ledger = house.process();
        vault(store.clone(), &ledger).await.unwrap();
        let clock = Arc::clone(ledger.clock());
        let other = Vault::open(store, master("cd"), clock, Arc::new(SystemEntropy)).await;
        assert_eq!(
            other.unwrap_err().to_string(),
            "the master key does not open this key store"
        );
    }

    async fn a_profile_opens_with_its_account_only(database: &Database) {
        let house = House::new(database).await;
        let ledger = house.process();
        let file = Database::sqlite();
        let store = file.storage(&VAULT).await;
        let profiles = Profiles::open(&ledger, vault(store.clone(), &ledger).await.unwrap())
            .await
            .unwrap();
        // Two of one bucket.
        let (one, other) = (AccountId::from_u128(0xABCD << 112), AccountId::from_u128(0xABCD << 112 | 1));
        let (key, wrapped) = profiles.new_key(one).await.unwrap();
        assert_eq!(wrapped.bucket, Bucket::new(0xABCD));
        let sealed = key.seal("张三".as_bytes(), &SystemEntropy).unwrap();
        // After a restart.
        let profiles = Profiles::open(&ledger, vault(store, &ledger).await.unwrap())
            .await
            .unwrap();
        let key = profiles.open_key(one, &wrapped).await.unwrap();
        assert_eq!(*key.open(&sealed).unwrap(), "张三".as_bytes());
        let moved = profiles.open_key(other, &wrapped).await;
        assert!(matches!(moved, Err(ProfileError::Damaged)));
        let (other_key, _) = profiles.new_key(other).await.unwrap();
        assert!(matches!(other_key.open(&sealed), Err(ProfileError::Damaged)));
        assert!(!format!("{key:?}{profiles:?}").contains("张"));
    }

    async fn a_database_keeps_to_its_own_key_store(database: &Database) {
        let house = House::new(database).await;
        let ledger = house.process();
        let (first, second) = (Database::sqlite(), Database::sqlite());
        let (first, second) = (first.storage(&VAULT).await, second.storage(&VAULT).await);
        let own = vault(first, &ledger).await.unwrap();
        Profiles::open(&ledger, own.clone()).await.unwrap();
        Profiles::open(&ledger, own).await.unwrap();
        let other = Profiles::open(&ledger, vault(second, &ledger).await.unwrap()).await;
        assert_eq!(
            other.unwrap_err().to_string(),
            "the key store is not the one that belongs to this database"
        );
    }

    async fn the_key_store_never_loses_a_buckets_last_key(database: &Database) {
        let store = database.storage(&VAULT).await;
        let file = Database::sqlite();
        let house = House::new(&file).await;
        let ledger = house.process();
        let (one, other) = (
            vault(store.clone(), &ledger).await.unwrap(),
            vault(store.clone(), &ledger).await.unwrap(),
        );
        let bucket = Bucket::new(0xABCD);
        let nothing = one.supersede(bucket, 1).await;
        assert!(matches!(nothing, Err(VaultError::NoSuchKey { .. })));
        one.current(bucket).await.unwrap();
        assert_eq!(one.supersede(bucket, 0).await.unwrap(), 1);
        let made = race(4, |index| {
            let vault = if index % 2 == 0 { one.clone() } else { other.clone() };
            async move { vault.supersede(bucket, 1).await.unwrap() }
        })
        .await;
        assert_eq!(made, [2, 2, 2, 2]);
        let below = async |version| {
            let deleted = store.write((), move |tx, ()| {
                Box::pin(storage::vault::delete_below(tx, 0xABCD, version))
            });
            let deleted: Result<u64, Error> = deleted.await;
            deleted.unwrap()
        };
        assert_eq!(below(3).await, 0, "there is no third to take their place");
        assert_eq!((below(2).await, below(2).await), (1, 0));
        one.destroy_below(bucket, 2).await.unwrap();
        one.reload().await.unwrap();
        assert!(matches!(one.key(bucket, 1).await, Err(VaultError::NoSuchKey { .. })));
        // One that never heard of the second does not bring the first back.
        other.prepare(&[bucket]).await.unwrap();
        other.forget(bucket);
        assert_eq!(other.current(bucket).await.unwrap().0, 2);
    }
}
