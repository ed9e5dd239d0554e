//! What registration counts and leaves behind, query by query: counters, what checks rest on,
//! notices, acknowledgments of the privacy notice.

use std::time::Duration;

use tongxing::domain::check::{Check, CheckLabel, CheckMethod, CheckResult};
use tongxing::domain::id::{AccountId, Id};
use tongxing::domain::instant::Instant;
use tongxing::domain::limit::Limit;
use tongxing::domain::notice::{Notice, NoticeKind};
use tongxing::storage::checks::NewCheck;
use tongxing::storage::migrations::MAIN;
use tongxing::storage::{Storage, checks, counters, notices, privacy};

use crate::accounts::{account, add_account, at, client_id, write};
use crate::harness::{Database, on_both, race};

const LIMIT: Limit = Limit {
    name: "things in a hundred seconds",
    most: 3,
    window: Duration::from_secs(100),
};

async fn take(storage: &Storage, key: &'static str, seconds: i64) -> Result<(), Instant> {
    write(storage, move |tx| {
        Box::pin(counters::take(tx, key, LIMIT, at(seconds)))
    })
    .await
}

async fn sweep_counters(storage: &Storage, seconds: i64) -> u64 {
    write(storage, move |tx| {
        Box::pin(counters::delete_expired(tx, at(seconds)))
    })
    .await
}

fn check(number: u128, method: CheckMethod, (document, phone): (&str, &str)) -> NewCheck {
    let rests = method.rests_on();
    NewCheck {
        id: Id::from_u128(number),
        check: Check {
            method,
            authority: CheckLabel::parse("authority").unwrap(),
            transaction: CheckLabel::parse("t-1").unwrap(),
            result: CheckResult::Match,
            performed_at: at(1),
            expires_at: None,
        },
        document_key: rests.document.then(|| document.to_owned()),
        phone_key: rests.phone.then(|| phone.to_owned()),
    }
}

async fn record(storage: &Storage, owner: AccountId, new: NewCheck) {
    write(storage, move |tx| {
        let new = new.clone();
        Box::pin(async move { checks::insert(tx, owner, &new).await })
    })
    .await;
}

/// The methods of the checks of account 1 that still count at `seconds`.
async fn counting(storage: &Storage, seconds: i64) -> Vec<CheckMethod> {
    let mut reader = storage.reader().await.unwrap();
    let listed = checks::list(&mut reader, account(1)).await.unwrap();
    let counts = listed
        .iter()
        .filter(|one| one.proves(at(seconds)).is_some());
    counts.map(|one| one.method).collect()
}

/// Account 1 with one check of each kind of ground, and account 2 with the same.
async fn checked(database: &Database) -> Storage {
    let storage = database.storage(&MAIN).await;
    for owner in [1, 2] {
        add_account(&storage, owner).await;
        let methods = [
            CheckMethod::PhoneCode,
            CheckMethod::ThreeElements,
            CheckMethod::Counter,
        ];
        for (number, method) in (1..).zip(methods) {
            record(
                &storage,
                account(owner),
                check(number, method, ("document", "phone")),
            )
            .await;
        }
    }
    storage
}

on_both! {
    async fn a_limit_holds_for_its_window(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for seconds in [0, 10, 99] {
            assert_eq!(take(&storage, "one", seconds).await, Ok(()));
        }
        assert_eq!(take(&storage, "one", 99).await, Err(at(100)), "when it allows it again");
        assert_eq!(take(&storage, "other", 99).await, Ok(()), "another counts on its own");
        for _ in 0..3 {
            assert_eq!(take(&storage, "one", 100).await, Ok(()), "the window begins anew");
        }
        assert_eq!(take(&storage, "one", 150).await, Err(at(200)));
    }

    async fn of_32_at_once_no_more_than_the_limit_pass(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for (seconds, window) in [(0, "the first"), (100, "a window that begins anew")] {
            let taken = race(32, |_| {
                let storage = storage.clone();
                async move { take(&storage, "one", seconds).await.is_ok() }
            })
            .await;
            assert_eq!(taken.iter().filter(|&&taken| taken).count(), 3, "{window}");
        }
    }

    async fn counters_are_swept_when_their_window_has_ended(database: &Database) {
        let storage = database.storage(&MAIN).await;
        take(&storage, "one", 0).await.unwrap();
        take(&storage, "two", 50).await.unwrap();
        assert_eq!(sweep_counters(&storage, 99).await, 0);
        assert_eq!(sweep_counters(&storage, 100).await, 1);
        assert_eq!(sweep_counters(&storage, 150).await, 1);
        assert_eq!(take(&storage, "one", 151).await, Ok(()));
    }

    async fn a_lost_document_ends_what_rests_on_it(database: &Database) {
        let storage = checked(database).await;
        let end = async |key, seconds| {
            write(&storage, move |tx| {
                Box::pin(checks::end_with_document(tx, account(1), key, at(seconds)))
            })
            .await
        };
        assert_eq!(end("another", 10).await, 0);
        assert_eq!(end("document", 10).await, 2);
        assert_eq!(counting(&storage, 10).await, [CheckMethod::PhoneCode]);
        assert_eq!(end("document", 20).await, 0, "what has ended, has ended then");
    }

    async fn a_check_of_an_older_release_rests_on_every_document(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        for (number, method) in (1..).zip([CheckMethod::PhoneCode, CheckMethod::Counter]) {
            let old = NewCheck { document_key: None, phone_key: None, ..check(number, method, ("", "")) };
            record(&storage, account(1), old).await;
        }
        let ended = write(&storage, |tx| {
            Box::pin(checks::end_with_document(tx, account(1), "document", at(10)))
        })
        .await;
        assert_eq!(ended, 1);
        assert_eq!(counting(&storage, 10).await, [CheckMethod::PhoneCode]);
    }

    async fn a_lost_phone_ends_what_rests_on_it(database: &Database) {
        let storage = checked(database).await;
        let end = async |key| {
            write(&storage, move |tx| {
                Box::pin(checks::end_with_phone(tx, account(1), key, at(10)))
            })
            .await
        };
        assert_eq!(end("another").await, 0);
        assert_eq!(end("phone").await, 2);
        assert_eq!(counting(&storage, 10).await, [CheckMethod::Counter]);
        let mut reader = storage.reader().await.unwrap();
        let other = checks::list(&mut reader, account(2)).await.unwrap();
        assert!(other.iter().all(|one| one.expires_at.is_none()), "another's are untouched");
    }

    async fn the_latest_twenty_notices_are_shown(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        add_account(&storage, 2).await;
        for number in 0..25_u8 {
            write(&storage, move |tx| {
                let kind = NoticeKind::ALL[usize::from(number) % NoticeKind::ALL.len()];
                let notice = Notice { kind, at: at(number.into()), client_id: None };
                Box::pin(async move {
                    notices::insert(tx, account(1), Id::from_u128(number.into()), &notice).await
                })
            })
            .await;
        }
        let mut reader = storage.reader().await.unwrap();
        let listed = notices::list(&mut reader, account(1)).await.unwrap();
        let times: Vec<_> = listed.iter().map(|notice| notice.at.as_seconds()).collect();
        assert_eq!(times, (5..25).rev().collect::<Vec<_>>());
        assert_eq!(listed[0].kind, NoticeKind::ALL[24 % NoticeKind::ALL.len()]);
        assert!(notices::list(&mut reader, account(2)).await.unwrap().is_empty());
    }

    async fn of_notices_about_a_client_the_last_of_a_kind_is_shown(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        let about = [None, Some("one"), Some("two"), Some("one"), None];
        for (number, client) in (0_u8..).zip(about) {
            write(&storage, move |tx| {
                let notice = Notice {
                    kind: NoticeKind::ConsentWithdrawn,
                    at: at(number.into()),
                    client_id: client.map(client_id),
                };
                Box::pin(async move {
                    notices::insert(tx, account(1), Id::from_u128(number.into()), &notice).await
                })
            })
            .await;
        }
        let mut reader = storage.reader().await.unwrap();
        let listed = notices::list(&mut reader, account(1)).await.unwrap();
        let shown: Vec<_> = listed
            .iter()
            .map(|notice| (notice.at.as_seconds(), notice.client_id.clone()))
            .collect();
        let (one, two) = (client_id("one"), client_id("two"));
        assert_eq!(shown, [(4, None), (3, Some(one)), (2, Some(two)), (0, None)]);
    }

    async fn a_version_of_the_privacy_notice_is_acknowledged_once(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_account(&storage, 1).await;
        for (version, seconds) in [("2026-01", 10), ("2026-01", 20), ("2026-02", 30)] {
            write(&storage, move |tx| {
                Box::pin(privacy::insert(tx, account(1), version, at(seconds)))
            })
            .await;
        }
        let mut reader = storage.reader().await.unwrap();
        let shown = privacy::list(&mut reader, account(1)).await.unwrap();
        let expected = [("2026-01".to_owned(), at(10)), ("2026-02".to_owned(), at(30))];
        assert_eq!(shown, expected);
        assert!(privacy::list(&mut reader, account(2)).await.unwrap().is_empty());
    }
}
