//! The account's tables, query by query: accounts, look-up tables, credentials, checks, clients.

use tongxing::domain::account::{Account, AccountStatus, SealedProfile};
use tongxing::domain::check::{Check, CheckLabel, CheckMethod, CheckResult};
use tongxing::domain::client::{Client, ClientId, ClientStatus};
use tongxing::domain::clock::{Clock as _, SystemClock};
use tongxing::domain::id::{AccountId, Id};
use tongxing::domain::instant::Instant;
use tongxing::protocol::client_metadata::ClientMetadata;
use tongxing::storage::accounts::Insertion;
use tongxing::storage::checks::NewCheck;
use tongxing::storage::credentials::PasswordCredential;
use tongxing::storage::migrations::MAIN;
use tongxing::storage::{BoxFuture, Error, Storage, Transaction};
use tongxing::storage::{accounts, checks, clients, clock, credentials};

use crate::harness::{Database, on_both, race};

/// One transaction.
pub(crate) async fn write<T, F>(storage: &Storage, work: F) -> T
where
    T: Send + 'static,
    F: for<'a> Fn(&'a mut Transaction) -> BoxFuture<'a, Result<T, Error>> + Send + Sync + 'static,
{
    storage.write((), move |tx, ()| work(tx)).await.unwrap()
}

pub(crate) fn at(seconds: i64) -> Instant {
    Instant::from_seconds(seconds)
}

pub(crate) fn account(number: u128) -> AccountId {
    Id::from_u128(number)
}

fn sealed(profile: &str) -> SealedProfile {
    SealedProfile {
        key_bucket: 7,
        key_version: 3,
        wrapped_key: "wrapped".to_owned(),
        profile: profile.to_owned(),
    }
}

pub(crate) async fn add_account(storage: &Storage, number: u128) {
    write(storage, move |tx| {
        Box::pin(async move {
            let added = accounts::insert(tx, &new_account(number, 3), 1).await?;
            assert_eq!(added, Insertion::Inserted);
            Ok(())
        })
    })
    .await;
}

/// In bucket 7, under a version of its key.
pub(crate) fn new_account(number: u128, key_version: i64) -> Account {
    Account {
        id: account(number),
        status: AccountStatus::Active,
        sealed: SealedProfile {
            key_version,
            ..sealed("sealed")
        },
        created_at: at(1),
        changed_at: at(2),
    }
}

pub(crate) async fn move_account(
    storage: &Storage,
    number: u128,
    from: AccountStatus,
    to: AccountStatus,
) -> bool {
    write(storage, move |tx| {
        Box::pin(accounts::update_status(
            tx,
            account(number),
            (from, to),
            at(9),
        ))
    })
    .await
}

pub(crate) fn client_id(name: &str) -> ClientId {
    name.parse().unwrap()
}

fn metadata(name: &str) -> ClientMetadata {
    let json = format!(
        r#"{{"client_name": "{name}", "redirect_uris": ["https://{name}.example/callback"]}}"#
    );
    serde_json::from_str(&json).unwrap()
}

pub(crate) async fn add_client(storage: &Storage, name: &'static str) -> bool {
    write(storage, move |tx| {
        Box::pin(async move {
            let client = Client {
                id: client_id(name),
                status: ClientStatus::Active,
                metadata: metadata(name),
                secret_hash: Some("hash".to_owned()),
                registered_at: at(1),
                changed_at: at(1),
            };
            clients::insert(tx, &client).await
        })
    })
    .await
}

pub(crate) async fn move_client(storage: &Storage, name: &'static str, to: ClientStatus) -> bool {
    write(storage, move |tx| {
        Box::pin(async move { clients::update_status(tx, &client_id(name), to, at(9)).await })
    })
    .await
}

/// A check that rests on nothing in particular.
pub(crate) fn new_check(number: u128, check: Check) -> NewCheck {
    NewCheck {
        id: Id::from_u128(number),
        check,
        document_key: None,
        phone_key: None,
    }
}

async fn statuses(storage: &Storage, name: &str) -> (ClientStatus, usize) {
    let mut reader = storage.reader().await.unwrap();
    let found = clients::find(&mut reader, &client_id(name)).await.unwrap();
    let listed = clients::list(&mut reader, None, 10).await.unwrap();
    (found.unwrap().status, listed.len())
}

on_both! {
    async fn an_account_comes_back_as_it_was_stored(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        let mut reader = storage.reader().await.unwrap();
        let found = accounts::find(&mut reader, account(1)).await.unwrap().unwrap();
        assert_eq!(found.id, account(1));
        assert_eq!(found.status, AccountStatus::Active);
        assert_eq!((found.sealed.key_bucket, found.sealed.profile.as_str()), (7, "sealed"));
        assert_eq!((found.created_at, found.changed_at), (at(1), at(2)));
        assert!(accounts::find(&mut reader, account(2)).await.unwrap().is_none());
    }

    async fn an_account_moves_only_from_the_status_it_has(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        let (active, frozen) = (AccountStatus::Active, AccountStatus::Frozen);
        assert!(move_account(&storage, 1, active, frozen).await);
        assert!(!move_account(&storage, 1, active, frozen).await);
        assert!(move_account(&storage, 1, frozen, active).await);
        assert!(!move_account(&storage, 2, active, frozen).await);
    }

    async fn of_16_profiles_for_one_the_first_replaces_it(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        let replaced = race(16, |number| {
            let storage = storage.clone();
            async move {
                write(&storage, move |tx| {
                    Box::pin(async move {
                        let status = accounts::lock(tx, account(1), at(50)).await?;
                        assert_eq!(status, Some(AccountStatus::Active));
                        let profiles = (&sealed("sealed"), &sealed(&format!("sealed {number}")));
                        accounts::replace_profile(tx, account(1), profiles, at(51)).await
                    })
                })
                .await
            }
        })
        .await;
        let winner = replaced.iter().position(|&won| won).unwrap();
        assert_eq!(replaced.iter().filter(|&&won| won).count(), 1);
        let mut reader = storage.reader().await.unwrap();
        let found = accounts::find(&mut reader, account(1)).await.unwrap().unwrap();
        assert_eq!(found.sealed, sealed(&format!("sealed {winner}")), "the rest is untouched");
        assert!(found.changed_at >= at(50));
    }

    async fn what_is_locked_says_its_status(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        let lock = async |number| {
            write(&storage, move |tx| Box::pin(accounts::lock(tx, account(number), at(9)))).await
        };
        assert_eq!(lock(1).await, Some(AccountStatus::Active));
        assert!(move_account(&storage, 1, AccountStatus::Active, AccountStatus::Frozen).await);
        assert_eq!(lock(1).await, Some(AccountStatus::Frozen));
        assert_eq!(lock(2).await, None);
    }

    async fn a_new_password_replaces_whatever_there_was(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        let replace = async |hash| {
            write(&storage, move |tx| {
                Box::pin(credentials::replace_password(tx, account(1), hash, at(2)))
            })
            .await
        };
        assert!(!replace("first").await, "it has none");
        write(&storage, |tx| {
            Box::pin(async move {
                let first = PasswordCredential { id: Id::from_u128(5), hash: "first".to_owned() };
                credentials::insert_password(tx, account(1), &first, at(1)).await
            })
        })
        .await;
        assert!(replace("second").await);
        let mut reader = storage.reader().await.unwrap();
        let (found, _) = credentials::find_password(&mut reader, account(1)).await.unwrap().unwrap();
        assert_eq!((found.id, found.hash.as_str()), (Id::from_u128(5), "second"));
    }

    async fn a_password_is_replaced_only_if_it_is_still_the_same(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        let old = || PasswordCredential { id: Id::from_u128(5), hash: "old".to_owned() };
        write(&storage, move |tx| {
            Box::pin(async move {
                credentials::insert_password(tx, account(1), &old(), at(1)).await
            })
        })
        .await;
        let replace = async || {
            write(&storage, move |tx| {
                Box::pin(async move {
                    credentials::update_password(tx, account(1), &old(), "new", at(2)).await
                })
            })
            .await
        };
        assert!(replace().await);
        assert!(!replace().await);
        let mut reader = storage.reader().await.unwrap();
        let (found, _) = credentials::find_password(&mut reader, account(1)).await.unwrap().unwrap();
        assert_eq!((found.id, found.hash.as_str()), (Id::from_u128(5), "new"));
        assert!(credentials::find_password(&mut reader, account(2)).await.unwrap().is_none());
    }

    async fn checks_come_back_oldest_first(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        let check = |method, expires_at| Check {
            method,
            authority: CheckLabel::parse("bureau").unwrap(),
            performed_at: at(1),
            transaction: CheckLabel::parse("t-1").unwrap(),
            result: CheckResult::Match,
            expires_at,
        };
        let stored = [
            check(CheckMethod::Counter, None),
            check(CheckMethod::Face, Some(at(90))),
        ];
        for (number, check) in [(1, stored[0].clone()), (2, stored[1].clone())] {
            write(&storage, move |tx| {
                let check = check.clone();
                Box::pin(async move {
                    checks::insert(tx, account(1), &new_check(number, check)).await
                })
            })
            .await;
        }
        let mut reader = storage.reader().await.unwrap();
        assert_eq!(checks::list(&mut reader, account(1)).await.unwrap(), stored);
    }

    async fn a_client_comes_back_as_it_was_stored(database: &Database) {
        let storage = database.storage(&MAIN).await;
        assert!(add_client(&storage, "one").await);
        assert!(!add_client(&storage, "one").await, "the identifier is taken");
        let changed = write(&storage, |tx| {
            Box::pin(async move {
                clients::update_metadata(tx, &client_id("one"), &metadata("two"), None, at(5)).await
            })
        })
        .await;
        assert!(changed);
        let mut reader = storage.reader().await.unwrap();
        let found = clients::find(&mut reader, &client_id("one")).await.unwrap().unwrap();
        assert_eq!(found.metadata, metadata("two"));
        assert_eq!((found.secret_hash, found.changed_at), (None, at(5)));
    }

    async fn a_removed_client_stays_removed(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_client(&storage, "one").await;
        add_client(&storage, "two").await;
        assert!(move_client(&storage, "one", ClientStatus::Suspended).await);
        assert!(!move_client(&storage, "one", ClientStatus::Suspended).await);
        assert_eq!(statuses(&storage, "one").await, (ClientStatus::Suspended, 2));
        assert!(move_client(&storage, "one", ClientStatus::Removed).await);
        assert!(!move_client(&storage, "one", ClientStatus::Active).await);
        assert_eq!(statuses(&storage, "one").await, (ClientStatus::Removed, 1));
        assert!(!add_client(&storage, "one").await, "its identifier is not given again");
    }

    async fn the_database_tells_its_time(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let mut reader = storage.reader().await.unwrap();
        let theirs = clock::read(&mut reader).await.unwrap();
        let ours = SystemClock.now();
        let apart = theirs.since(ours).max(ours.since(theirs));
        assert!(apart.as_secs() < 3600, "{apart:?}");
    }
}
