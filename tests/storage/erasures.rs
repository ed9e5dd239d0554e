//! The removal of an account, and what keeps its bucket's older keys from being used again.

use std::collections::BTreeSet;
use std::time::Duration;

use tongxing::domain::account::AccountStatus;
use tongxing::domain::authentication::{AuthenticationMethod, AuthenticationMethods};
use tongxing::domain::id::Id;
use tongxing::domain::phone_holder::PhoneHolder;
use tongxing::domain::session::Session;
use tongxing::storage::accounts::{Insertion, WrappedKeyRow};
use tongxing::storage::erasures::Erasure;
use tongxing::storage::migrations::MAIN;
use tongxing::storage::{Error, Storage, account_index, accounts, erasures, key_buckets, sessions};
use tongxing::values;

use crate::accounts::{account, add_account, at, new_account, write};
use crate::harness::{Database, on_both, race};

/// A row of every table that is an account's own, by which it is seen to go. A table that is not
/// here is missed below: put a row of it here, and its removal into `storage::erasures`.
const ROWS: &[(&str, &str)] = &[
    (
        "account_documents",
        "INSERT INTO account_documents (document_key, index_version, account_id)
         VALUES ($1, 1, $1)",
    ),
    (
        "account_phones",
        "INSERT INTO account_phones (phone_key, account_id, place, index_version)
         VALUES ($1, $1, 1, 1)",
    ),
    (
        "credentials",
        "INSERT INTO credentials (account_id, credential_id, kind, secret, created_at, changed_at)
         VALUES ($1, 'c', 'password', 'hash', 1, 1)",
    ),
    (
        "checks",
        "INSERT INTO checks (account_id, check_id, method, authority, reference, result,
                             performed_at)
         VALUES ($1, 'c', 'm', 'a', 'r', 'match', 1)",
    ),
    (
        "account_notices",
        "INSERT INTO account_notices (account_id, notice_id, kind, at) VALUES ($1, 'n', 'k', 1)",
    ),
    (
        "outbox",
        "INSERT INTO outbox (item_id, kind, account_id, payload, created_at, due_at, expires_at,
                             attempts)
         VALUES ('d' || $1, 'message', $1, 'p', 1, 1, 2, 0)",
    ),
    (
        "privacy_acknowledgments",
        "INSERT INTO privacy_acknowledgments (account_id, version, acknowledged_at)
         VALUES ($1, 'v', 1)",
    ),
    (
        "sessions",
        "INSERT INTO sessions (account_id, session_id, secret_hash, methods, authenticated_at,
                               expires_at)
         VALUES ($1, 's', 'hash', 'pwd', 1, 2)",
    ),
    (
        "subjects",
        "INSERT INTO subjects (account_id, sector, subject) VALUES ($1, 'portal', $1)",
    ),
    (
        "grants",
        "INSERT INTO grants (account_id, client_id, grant_id, scope, claims, terms, granted_at)
         VALUES ($1, 'c', 'g', 'openid', '', '', 1)",
    ),
    (
        "authorizations",
        "INSERT INTO authorizations (account_id, authorization_id, client_id, session_id, grant_id,
                                     subject, scope, details, issued_at, expires_at)
         VALUES ($1, 'a', 'c', 's', 'g', 'x', 'openid', '{}', 1, 2)",
    ),
];

/// What outlives the account.
const KEPT: &[&str] = &["audit_events", "usage_days", "erasures"];

/// The tables with an account in them, as the engine has them.
async fn tables_of_accounts(database: &Database, storage: &Storage) -> BTreeSet<String> {
    let sql = match database.postgres_url() {
        Some(_) => {
            "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.columns
              WHERE table_schema = 'public' AND column_name = 'account_id'"
        }
        None => {
            "SELECT t.name AS name FROM sqlite_master t JOIN pragma_table_info(t.name) c
              WHERE t.type = 'table' AND c.name = 'account_id'"
        }
    };
    let mut reader = storage.reader().await.unwrap();
    let rows = reader.fetch_all(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get("name").unwrap()).collect()
}

async fn rows_of(storage: &Storage, table: &str, number: u128) -> i64 {
    let sql = format!("SELECT COUNT(*) AS n FROM {table} WHERE account_id = $1");
    let mut reader = storage.reader().await.unwrap();
    let values = values![account(number)];
    let row = reader.fetch_optional(sql.leak(), values).await.unwrap();
    row.unwrap().get("n").unwrap()
}

async fn remove(storage: &Storage, number: u128) -> Option<Erasure> {
    write(storage, move |tx| {
        Box::pin(erasures::remove_account(tx, account(number), at(9)))
    })
    .await
}

/// Adds an account to bucket 7.
async fn insert(storage: &Storage, number: u128, key_version: i64) -> Insertion {
    write(storage, move |tx| {
        Box::pin(async move { accounts::insert(tx, &new_account(number, key_version), 1).await })
    })
    .await
}

async fn raise(storage: &Storage, bucket: u16, version: i64) -> bool {
    write(storage, move |tx| {
        Box::pin(key_buckets::raise(tx, bucket, version))
    })
    .await
}

async fn below(storage: &Storage, version: i64) -> Vec<WrappedKeyRow> {
    let mut reader = storage.reader().await.unwrap();
    let found = accounts::list_keys_below(&mut reader, 7, version, 100);
    found.await.unwrap()
}

on_both! {
    async fn a_removed_account_leaves_no_row_in_any_table(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let mut own = tables_of_accounts(database, &storage).await;
        assert!(own.remove("accounts") && KEPT.iter().all(|table| own.remove(*table)));
        let here: BTreeSet<String> = ROWS.iter().map(|(table, _)| (*table).to_owned()).collect();
        assert_eq!(own, here, "each of an account's tables is emptied with it, and shown here to be");
        for number in [1, 2] {
            add_account(&storage, number).await;
            for (_, row) in ROWS {
                write(&storage, move |tx| {
                    Box::pin(async move { tx.execute(row, values![account(number)]).await })
                })
                .await;
            }
        }
        let removed = remove(&storage, 1).await.unwrap();
        for table in own.iter().map(String::as_str).chain(["accounts"]) {
            assert_eq!(rows_of(&storage, table, 1).await, 0, "{table}");
            assert_eq!(rows_of(&storage, table, 2).await, 1, "{table}");
        }
        assert_eq!((removed.key_bucket, removed.key_version), (7, 3));
        let mut reader = storage.reader().await.unwrap();
        let found = erasures::find(&mut reader, account(1)).await.unwrap();
        assert_eq!(found, Some(removed));
        assert_eq!(erasures::find(&mut reader, account(2)).await.unwrap(), None);
        assert_eq!(remove(&storage, 1).await, None, "it is gone already");
        assert_eq!(remove(&storage, 3).await, None, "it never was");
    }

    async fn erasures_are_pending_until_no_key_up_to_theirs_is_left(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for (number, version) in [(1, 1), (2, 2), (3, 4)] {
            assert_eq!(insert(&storage, number, version).await, Insertion::Inserted);
            remove(&storage, number).await.unwrap();
        }
        let pending = async |after| {
            let mut reader = storage.reader().await.unwrap();
            erasures::list_pending(&mut reader, after, 10).await.unwrap()
        };
        assert_eq!(pending(None).await, [(7, 4)]);
        assert_eq!(pending(Some(6)).await, [(7, 4)]);
        assert_eq!(pending(Some(7)).await, []);
        let complete = async |bucket, version| {
            write(&storage, move |tx| {
                Box::pin(erasures::complete(tx, bucket, version, at(11)))
            })
            .await
        };
        assert_eq!(complete(8, 9).await, 0);
        assert_eq!(complete(7, 3).await, 2);
        assert_eq!(complete(7, 3).await, 0);
        assert_eq!(pending(None).await, [(7, 4)]);
        assert_eq!(complete(7, 5).await, 1);
        assert_eq!(pending(None).await, []);
        let mut reader = storage.reader().await.unwrap();
        let found = erasures::find(&mut reader, account(2)).await.unwrap().unwrap();
        assert_eq!((found.removed_at, found.key_replaced_at), (at(9), Some(at(11))));
    }

    async fn a_bucket_admits_accounts_under_its_lowest_version_and_above(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let admit = async |bucket, version| {
            write(&storage, move |tx| {
                Box::pin(key_buckets::admit(tx, bucket, version))
            })
            .await
        };
        assert!(admit(7, 1).await && admit(7, 1).await && admit(7, 5).await);
        assert!(raise(&storage, 7, 3).await);
        assert!(!raise(&storage, 7, 3).await && !raise(&storage, 7, 2).await);
        assert!(!admit(7, 2).await && admit(7, 3).await && admit(7, 4).await);
        assert!(raise(&storage, 8, 2).await, "one that had no account");
        assert!(!admit(8, 1).await && admit(8, 2).await && admit(9, 1).await);
        assert_eq!(insert(&storage, 1, 2).await, Insertion::KeyReplaced);
        assert_eq!(rows_of(&storage, "accounts", 1).await, 0);
        assert_eq!(insert(&storage, 1, 3).await, Insertion::Inserted);
    }

    async fn a_key_is_wrapped_anew_only_in_the_place_of_the_one_it_was(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for (number, version) in [(1, 3), (2, 2), (3, 5)] {
            assert_eq!(insert(&storage, number, version).await, Insertion::Inserted);
        }
        let found: Vec<_> = below(&storage, 5).await;
        let keys: Vec<_> = found.iter().map(|row| (row.account_id, row.key_version)).collect();
        assert_eq!(keys, [(account(2), 2), (account(1), 3)]);
        let rewrap = async |old: &'static str| {
            write(&storage, move |tx| {
                Box::pin(accounts::rewrap_key(tx, account(1), old, (5, "anew")))
            })
            .await
        };
        assert!(!rewrap("another").await);
        assert!(rewrap("wrapped").await);
        assert!(!rewrap("wrapped").await);
        assert_eq!(below(&storage, 5).await.len(), 1);
        let mut reader = storage.reader().await.unwrap();
        let found = accounts::find(&mut reader, account(1)).await.unwrap().unwrap();
        assert_eq!((found.sealed.key_version, found.sealed.wrapped_key.as_str()), (5, "anew"));
        assert_eq!((found.sealed.profile.as_str(), found.changed_at), ("sealed", at(2)));
    }

    async fn no_account_comes_in_under_an_older_key_behind_a_raised_version(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let outcomes = race(32, |index| {
            let storage = storage.clone();
            async move {
                if index != 16 {
                    let number = index as u128;
                    let held = storage.write(number, |tx, &number| {
                        Box::pin(async move {
                            let added = accounts::insert(tx, &new_account(number, 1), 1).await?;
                            // On PostgreSQL others see the account only later.
                            if let Insertion::Inserted = added {
                                for _ in 0..20 {
                                    accounts::find(tx, account(number)).await?;
                                }
                            }
                            Ok::<_, Error>(added)
                        })
                    });
                    return (held.await.unwrap() == Insertion::Inserted, Vec::new());
                }
                tokio::time::sleep(Duration::from_millis(3)).await;
                raise(&storage, 7, 2).await;
                (false, below(&storage, 2).await)
            }
        })
        .await;
        // What was to be seen right after is all that there will ever be.
        let inserted = outcomes.iter().filter(|(inserted, _)| *inserted).count();
        assert_eq!(outcomes[16].1.len(), inserted);
        assert_eq!(below(&storage, 2).await.len(), inserted);
    }

    async fn a_phone_that_comes_while_the_account_is_removed_goes_too(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for number in 1..=8 {
            add_account(&storage, number).await;
        }
        race(16, |index| {
            let storage = storage.clone();
            async move {
                let number = 1 + index as u128 % 8;
                if index >= 8 {
                    assert!(remove(&storage, number).await.is_some());
                    return;
                }
                write(&storage, move |tx| {
                    Box::pin(async move {
                        if accounts::lock(tx, account(number), at(3)).await?.is_none() {
                            return Ok(());
                        }
                        let holder = PhoneHolder {
                            account_id: account(number),
                            confirmed_at: None,
                            in_own_name: false,
                        };
                        let key = account(number).to_string();
                        account_index::add_phone(tx, &key, 1, holder).await?;
                        // On PostgreSQL others see it only later.
                        for _ in 0..10 {
                            accounts::find(tx, account(number)).await?;
                        }
                        Ok(())
                    })
                })
                .await;
            }
        })
        .await;
        for number in 1..=8 {
            assert_eq!(rows_of(&storage, "account_phones", number).await, 0);
        }
    }

    async fn who_logs_in_while_the_account_is_removed_is_not_left_behind(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for number in 1..=8 {
            add_account(&storage, number).await;
        }
        let done = race(32, |index| {
            let storage = storage.clone();
            async move {
                let number = 1 + index as u128 % 8;
                if index < 24 {
                    let session = Session {
                        account_id: account(number),
                        id: Id::from_u128(index as u128),
                        methods: AuthenticationMethods::of(AuthenticationMethod::Password),
                        authenticated_at: at(1),
                        expires_at: at(2),
                    };
                    let inserted = storage.write(session, |tx, session| {
                        Box::pin(async move { sessions::insert(tx, session, "hash", (None, 0)).await })
                    });
                    return inserted.await.map(|_: bool| ()).err();
                }
                assert!(remove(&storage, number).await.is_some());
                None::<Error>
            }
        })
        .await;
        let errors: Vec<_> = done.into_iter().flatten().collect();
        assert!(errors.is_empty(), "{errors:?}");
        for number in 1..=8 {
            assert_eq!(rows_of(&storage, "accounts", number).await, 0);
            assert_eq!(rows_of(&storage, "sessions", number).await, 0);
        }
        let status = (AccountStatus::Active, AccountStatus::Frozen);
        let moved = write(&storage, move |tx| {
            Box::pin(accounts::update_status(tx, account(1), status, at(10)))
        });
        assert!(!moved.await, "it is gone");
    }
}
