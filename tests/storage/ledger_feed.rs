//! The change feed: a change bites within a second, in every process, and none is skipped.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tongxing::crypto::digest::sha256;
use tongxing::domain::id::{AccountId, Id, SessionId};
use tongxing::ledger::{Change, Ledger, Notice, TokenGrounds};
use tongxing::storage::changes::{self, ChangeRow};
use tongxing::storage::migrations::MAIN;
use tongxing::storage::{Error, Storage};

use crate::harness::{Database, on_both};
use crate::ledger::{House, process};
use crate::noise::Promise;

/// How soon a change must be known.
const A_SECOND: Duration = Duration::from_secs(1);

async fn announce(ledger: &Ledger, change: Change) {
    let announced: Result<(), Error> = ledger
        .write(change, |entry, change| {
            Box::pin(async move {
                entry.announce(change.clone());
                Ok(())
            })
        })
        .await;
    announced.unwrap();
}

fn owner() -> AccountId {
    AccountId::from_u128(7)
}

fn session(number: u128) -> SessionId {
    Id::from_u128(number)
}

fn is_ended(ledger: &Ledger, session: SessionId) -> bool {
    ledger.feed().revocations().is_revoked(&TokenGrounds {
        account: None,
        session: Some(session),
        authorization: None,
        token: Id::from_u128(0),
        issued_at: ledger.now(),
    })
}

async fn within(limit: Duration, what: &str, holds: impl Fn() -> bool) {
    let promise = Promise::within(limit);
    loop {
        let is_due = promise.is_due();
        if holds() {
            return;
        }
        assert!(!is_due, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn listen(ledger: &Ledger) -> Arc<Mutex<Vec<Notice>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    ledger
        .feed()
        .subscribe(move |notice| ear.lock().unwrap().push(notice.clone()));
    heard
}

on_both! {
    async fn a_change_reaches_other_processes_within_a_second(database: &Database) {
        let house = House::new(database).await;
        let here = house.process();
        // Another process has its own connections.
        let there = process(database.storage(&MAIN).await, &house.clock);
        let heard = listen(&there);
        assert!(!there.feed().is_fresh());
        let poller = there.follow().await.unwrap();
        assert!(there.feed().is_fresh());
        announce(&here, Change::SessionEnded(owner(), session(1))).await;
        assert!(is_ended(&here, session(1)), "at once where it was made");
        within(A_SECOND, "the session ended", || is_ended(&there, session(1))).await;
        announce(&here, Change::ClientChanged("portal".to_owned())).await;
        let told = Notice::Changed(Change::ClientChanged("portal".to_owned()));
        within(A_SECOND, "the client changed", || heard.lock().unwrap().contains(&told)).await;
        drop(poller);
        within(2 * A_SECOND, "no poll, no trust", || !there.feed().is_fresh()).await;
    }

    async fn a_process_that_starts_learns_what_changed(database: &Database) {
        let house = House::new(database).await;
        let here = house.process();
        for number in 0..600 {
            announce(&here, Change::SessionEnded(owner(), session(number << 100))).await;
        }
        let there = house.process();
        let _poller = there.follow().await.unwrap();
        for number in 0..600 {
            assert!(is_ended(&there, session(number << 100)), "{number}");
        }
    }

    async fn old_changes_are_swept_and_new_ones_stay(database: &Database) {
        let house = House::new(database).await;
        let here = house.process();
        for number in 0..20 {
            announce(&here, Change::SessionEnded(owner(), session(number))).await;
        }
        house.pass(901);
        announce(&here, Change::SessionEnded(owner(), session(100))).await;
        assert_eq!(here.sweep_changes(&[i64::MAX; 16]).await.unwrap(), 20);
        assert_eq!(here.sweep_changes(&[i64::MAX; 16]).await.unwrap(), 0);
        assert_eq!(house.count("SELECT COUNT(*) AS n FROM changes").await, 1);
        let there = house.process();
        let _poller = there.follow().await.unwrap();
        assert!(is_ended(&there, session(100)));
        assert!(!is_ended(&there, session(1)));
    }

    async fn who_missed_changes_is_told_that_anything_may_have(database: &Database) {
        let house = House::new(database).await;
        let there = house.process();
        let heard = listen(&there);
        let _poller = there.follow().await.unwrap();
        let taken: Result<i64, Error> = house
            .storage
            .write((), |tx, ()| {
                // Taken, written and swept before the next poll.
                Box::pin(async move { changes::take_numbers(tx, 3, 5).await })
            })
            .await;
        assert_eq!(taken.unwrap(), 5);
        let told = || heard.lock().unwrap().contains(&Notice::Everything);
        within(A_SECOND, "changes were missed", told).await;
        let count = heard.lock().unwrap().len();
        // Once, and the lane goes on.
        announce(&house.process(), Change::AccountChanged(AccountId::from_u128(1))).await;
        within(A_SECOND, "the next change", || heard.lock().unwrap().len() > count).await;
        assert_eq!(heard.lock().unwrap().len(), count + 1);
    }

    /// A standby that lost the last commits gives their numbers to others next.
    async fn a_database_that_is_older_than_what_was_read_of_it_is_not_trusted(database: &Database) {
        let house = House::new(database).await;
        let (here, there) = (house.process(), house.process());
        let _poller = there.follow().await.unwrap();
        announce(&here, Change::AccountChanged(AccountId::from_u128(1))).await;
        let seen = listen(&there);
        announce(&here, Change::AccountChanged(AccountId::from_u128(2))).await;
        within(A_SECOND, "both are read", || !seen.lock().unwrap().is_empty()).await;
        let back: Result<u64, Error> = house
            .storage
            .write((), |tx, ()| {
                Box::pin(async move { tx.execute("UPDATE change_lanes SET seq = 0", &[]).await })
            })
            .await;
        assert_eq!(back.unwrap(), 16);
        within(A_SECOND * 10, "it is noticed", || !there.feed().is_fresh()).await;
    }

    async fn many_changes_in_one_write_come_in_order(database: &Database) {
        let house = House::new(database).await;
        let (here, there) = (house.process(), house.process());
        let heard = listen(&there);
        let _poller = there.follow().await.unwrap();
        let written: Result<(), Error> = here
            .write((), |entry, ()| {
                Box::pin(async move {
                    for number in 0..50 {
                        entry.announce(Change::SessionEnded(owner(), session(number)));
                        entry.announce(Change::SessionEnded(owner(), session(number)));
                    }
                    Ok(())
                })
            })
            .await;
        written.unwrap();
        within(A_SECOND, "all", || heard.lock().unwrap().len() == 50).await;
        assert!(!heard.lock().unwrap().contains(&Notice::Everything));
    }
}

/// Numbers would be taken in one order and committed in another, if the lane's row were not locked
/// until the commit; and a poll that passed over the lower one would never come back for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_committed_late_is_not_skipped() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let house = House::new(&database).await;
    let here = house.process();
    let there = process(database.storage(&MAIN).await, &house.clock);
    let _poller = there.follow().await.unwrap();
    // One lane for two sessions, and another for a third.
    let (late, queued, free) = lanes();
    let (taken, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (storage, taken, go) = (house.storage.clone(), Arc::clone(&taken), Arc::clone(&go));
        tokio::spawn(async move { hold(&storage, late, (taken, go), house.clock.clone()).await })
    };
    taken.notified().await;
    announce(&here, Change::SessionEnded(owner(), free)).await;
    let next = {
        let here = here.clone();
        tokio::spawn(async move { announce(&here, Change::SessionEnded(owner(), queued)).await })
    };
    within(A_SECOND, "other lanes go on", || is_ended(&there, free)).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(
        !next.is_finished(),
        "the later number waits for the earlier"
    );
    assert!(!is_ended(&there, queued) && !is_ended(&there, late));
    go.notify_one();
    slow.await.unwrap();
    next.await.unwrap();
    within(A_SECOND, "both", || {
        is_ended(&there, late) && is_ended(&there, queued)
    })
    .await;
}

/// Takes a number, writes its change and keeps the transaction open until told to go on.
async fn hold(
    storage: &Storage,
    late: SessionId,
    (taken, go): (Arc<Notify>, Arc<Notify>),
    clock: impl tongxing::domain::clock::Clock,
) {
    let number = lane_of(late);
    let held: Result<(), Error> = storage
        .write((taken, go, clock.now()), move |tx, (taken, go, now)| {
            Box::pin(async move {
                let seq = changes::take_numbers(tx, number, 1).await?;
                let row = ChangeRow {
                    lane: number,
                    seq,
                    at: *now,
                    kind: "session".to_owned(),
                    subject: format!("{late} {}", owner()),
                };
                changes::insert(tx, &row).await?;
                taken.notify_one();
                go.notified().await;
                Ok(())
            })
        })
        .await;
    held.unwrap();
}

/// The lane that the ledger gives a session.
fn lane_of(session: SessionId) -> i64 {
    i64::from(sha256(&[format!("{session} {}", owner()).as_bytes()])[0]) % changes::LANES
}

/// Two sessions of one lane and one of another.
fn lanes() -> (SessionId, SessionId, SessionId) {
    let first = session(1);
    let find = |same: bool| {
        (2..1000)
            .map(session)
            .find(|other| (lane_of(*other) == lane_of(first)) == same)
            .unwrap()
    };
    (first, find(true), find(false))
}
