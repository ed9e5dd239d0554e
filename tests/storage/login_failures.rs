//! Wrong passwords, query by query.

use std::time::Duration;

use tongxing::domain::backoff::Backoff;
use tongxing::domain::instant::Instant;
use tongxing::storage::login_failures::{self, Failures};
use tongxing::storage::migrations::MAIN;
use tongxing::storage::{Reader, Storage};

use crate::accounts::{at, write};
use crate::harness::{Database, on_both, race};

/// Three tries, then 4, 8, 16 and 20 seconds.
const BACKOFF: Backoff = Backoff {
    name: "failures",
    free: 2,
    first: Duration::from_secs(4),
    longest: Duration::from_secs(20),
    forgotten_after: Duration::from_secs(1000),
};

async fn reserve(storage: &Storage, key: &'static str, now: Instant) -> bool {
    reserve_by(storage, key, (BACKOFF, now)).await
}

async fn reserve_by(
    storage: &Storage,
    key: &'static str,
    (backoff, now): (Backoff, Instant),
) -> bool {
    write(storage, move |tx| {
        Box::pin(async move { login_failures::reserve(tx, key, &backoff, now).await })
    })
    .await
}

async fn give_back(storage: &Storage, key: &'static str, seconds: i64) {
    write(storage, move |tx| {
        Box::pin(login_failures::give_back(tx, key, &BACKOFF, at(seconds)))
    })
    .await;
}

async fn add(storage: &Storage, key: &'static str, times: (i64, i64)) {
    write(storage, move |tx| {
        Box::pin(login_failures::add(tx, key, (at(times.0), at(times.1))))
    })
    .await;
}

async fn find(storage: &Storage, key: &'static str, seconds: i64) -> Option<(u32, i64)> {
    let mut reader: Reader = storage.reader().await.unwrap();
    let found = login_failures::find_both(&mut reader, [key, "another"], at(seconds)).await;
    let [found, other] = found.unwrap();
    assert_eq!(other, None);
    found.map(|Failures { count, last }| (count, last.as_seconds()))
}

on_both! {
    async fn after_the_free_tries_each_has_to_wait_as_the_backoff_says(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for abrupt in [false, true] {
            let (key, backoff) = if abrupt {
                ("abrupt", Backoff { free: 0, first: BACKOFF.longest, ..BACKOFF })
            } else {
                ("doubling", BACKOFF)
            };
            let mut now = Instant::from_seconds(0);
            for failures in 0..8 {
                let delay = backoff.delay(failures);
                if delay > Duration::ZERO {
                    let early = now.plus(delay).minus(Duration::from_millis(1));
                    assert!(!reserve_by(&storage, key, (backoff, early)).await, "{failures}");
                }
                now = now.plus(delay);
                assert!(reserve_by(&storage, key, (backoff, now)).await, "{failures}");
            }
        }
    }

    async fn the_delay_is_that_of_whoever_asks(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for _ in 0..3 {
            assert!(reserve(&storage, "one", at(0)).await);
        }
        let stricter = Backoff { free: 0, ..BACKOFF };
        assert!(!reserve_by(&storage, "one", (stricter, at(15))).await);
        assert!(reserve_by(&storage, "one", (stricter, at(16))).await);
    }

    async fn of_100_at_once_as_many_pass_as_are_free(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for (seconds, expected) in [(0, 3), (3, 0), (4, 1), (2000, 3)] {
            let passed = race(100, |_| {
                let storage = storage.clone();
                async move { reserve(&storage, "one", at(seconds)).await }
            })
            .await;
            let passed = passed.into_iter().filter(|&passed| passed).count();
            assert_eq!(passed, expected, "{seconds}");
        }
    }

    async fn what_is_forgotten_begins_anew(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for _ in 0..3 {
            assert!(reserve(&storage, "one", at(0)).await);
        }
        assert_eq!(find(&storage, "one", 999).await, Some((3, 0)));
        assert_eq!(find(&storage, "one", 1000).await, None);
        for _ in 0..3 {
            assert!(reserve(&storage, "one", at(1000)).await);
        }
        assert!(!reserve(&storage, "one", at(1000)).await);
        assert_eq!(find(&storage, "one", 1001).await, Some((3, 1000)));
    }

    async fn a_right_password_forgets_its_own_key(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for key in ["one", "two"] {
            for _ in 0..3 {
                assert!(reserve(&storage, key, at(0)).await);
            }
        }
        write(&storage, |tx| Box::pin(login_failures::delete(tx, "one"))).await;
        assert_eq!(find(&storage, "one", 0).await, None);
        assert!(reserve(&storage, "one", at(0)).await);
        assert!(!reserve(&storage, "two", at(0)).await);
    }

    async fn what_was_not_tried_is_given_back(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for _ in 0..3 {
            assert!(reserve(&storage, "one", at(0)).await);
        }
        assert!(!reserve(&storage, "one", at(0)).await);
        give_back(&storage, "one", 0).await;
        assert!(reserve(&storage, "one", at(0)).await);
        assert!(!reserve(&storage, "one", at(3)).await);
        // After a delay: the next need not wait again.
        assert!(reserve(&storage, "one", at(4)).await);
        give_back(&storage, "one", 4).await;
        assert!(reserve(&storage, "one", at(4)).await);
        assert!(!reserve(&storage, "one", at(11)).await, "the fourth, so eight seconds");
        assert!(reserve(&storage, "one", at(12)).await);
        // Given back late: the delay of the one in between stands.
        give_back(&storage, "one", 4).await;
        assert_eq!(find(&storage, "one", 12).await, Some((4, 12)));
        // More than there was is not given back.
        for _ in 0..9 {
            give_back(&storage, "one", 12).await;
        }
        assert_eq!(find(&storage, "one", 12).await.unwrap().0, 0);
        give_back(&storage, "never", 12).await;
        assert_eq!(find(&storage, "never", 12).await, None);
    }

    async fn all_failures_of_a_window_are_counted(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add(&storage, "name", (0, 100)).await;
        add(&storage, "name", (99, 199)).await;
        assert_eq!(find(&storage, "name", 99).await, Some((2, 99)));
        assert_eq!(find(&storage, "name", 100).await, None, "the window began with the first");
        add(&storage, "name", (100, 200)).await;
        assert_eq!(find(&storage, "name", 199).await, Some((1, 100)));
        race(32, |_| {
            let storage = storage.clone();
            async move { add(&storage, "name", (150, 250)).await }
        })
        .await;
        assert_eq!(find(&storage, "name", 150).await, Some((33, 150)));
    }

    async fn both_keys_are_found_in_one_read(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add(&storage, "one", (1, 100)).await;
        for _ in 0..2 {
            add(&storage, "two", (2, 100)).await;
        }
        let mut reader = storage.reader().await.unwrap();
        let found = login_failures::find_both(&mut reader, ["two", "one"], at(3)).await.unwrap();
        let counts = found.map(|found| found.unwrap().count);
        assert_eq!(counts, [2, 1]);
    }

    async fn what_is_forgotten_is_swept(database: &Database) {
        let storage = database.storage(&MAIN).await;
        reserve(&storage, "one", at(0)).await;
        reserve(&storage, "two", at(50)).await;
        let sweep = async |seconds| {
            write(&storage, move |tx| {
                Box::pin(login_failures::delete_expired(tx, at(seconds)))
            })
            .await
        };
        assert_eq!(sweep(999).await, 0);
        assert_eq!(sweep(1000).await, 1);
        assert_eq!(find(&storage, "two", 1001).await, Some((1, 50)));
        assert_eq!(sweep(2000).await, 1);
    }
}
