//! The outbox's table, query by query: who gets what, when, and what is left of it.

use std::collections::BTreeSet;

use tongxing::domain::id::{DeliveryId, Id, WriterId};
use tongxing::domain::instant::Instant;
use tongxing::storage::migrations::MAIN;
use tongxing::storage::outbox::{Claim, ClaimedRow, OutboxCount, OutboxRow, Standing};
use tongxing::storage::{Storage, outbox};

use crate::accounts::{at, write};
use crate::harness::{Database, on_both, race};

fn row(number: u128, ordering: Option<&str>) -> OutboxRow {
    OutboxRow {
        account_id: None,
        id: DeliveryId::from_u128(number),
        kind: "message",
        ordering: ordering.map(str::to_owned),
        payload: format!("sealed {number}"),
        created_at: at(10),
        expires_at: at(1000),
    }
}

async fn insert(storage: &Storage, rows: Vec<OutboxRow>) {
    storage
        .write(rows, |tx, rows| {
            Box::pin(async move {
                for row in rows {
                    outbox::insert(tx, row).await?;
                }
                Ok::<_, tongxing::storage::Error>(())
            })
        })
        .await
        .unwrap();
}

fn holder(number: u128) -> WriterId {
    Id::from_u128(number)
}

/// What `node` gets at a time, for thirty seconds.
async fn claim(storage: &Storage, node: u128, now: Instant, limit: u32) -> Vec<ClaimedRow> {
    write(storage, move |tx| {
        Box::pin(async move {
            let until = at(now.as_seconds() + 30);
            outbox::claim(tx, "message", holder(node), (now, until), limit).await
        })
    })
    .await
}

fn numbers(rows: &[ClaimedRow]) -> Vec<u128> {
    rows.iter().map(|row| row.claim.id.to_u128()).collect()
}

async fn complete(storage: &Storage, claim: Claim) -> bool {
    write(storage, move |tx| {
        Box::pin(async move { outbox::complete(tx, &claim).await })
    })
    .await
}

async fn retry_later(storage: &Storage, claim: Claim, due_at: Instant) -> bool {
    write(storage, move |tx| {
        Box::pin(async move { outbox::retry_later(tx, &claim, due_at).await })
    })
    .await
}

async fn give_up(storage: &Storage, claim: Claim, now: Instant) -> bool {
    write(storage, move |tx| {
        Box::pin(async move { outbox::give_up(tx, &claim, now).await })
    })
    .await
}

async fn count(storage: &Storage) -> OutboxCount {
    let mut reader = storage.reader().await.unwrap();
    outbox::count(&mut reader, "message").await.unwrap()
}

async fn payloads(storage: &Storage) -> i64 {
    let sql = "SELECT COUNT(payload) AS n FROM outbox";
    let mut reader = storage.reader().await.unwrap();
    let row = reader.fetch_optional(sql, &[]).await.unwrap().unwrap();
    row.get("n").unwrap()
}

async fn standing(storage: &Storage, number: u128) -> Option<Standing> {
    let mut reader = storage.reader().await.unwrap();
    let id = DeliveryId::from_u128(number);
    outbox::find(&mut reader, id).await.unwrap()
}

on_both! {
    async fn an_item_put_in_twice_is_one_and_how_it_stands_is_known(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let second = OutboxRow { payload: "another".to_owned(), ..row(1, None) };
        insert(&storage, vec![row(1, None), second.clone(), row(2, None)]).await;
        insert(&storage, vec![second]).await;
        assert_eq!((count(&storage).await.waiting, standing(&storage, 3).await), (2, None));
        assert_eq!(standing(&storage, 1).await, Some(Standing::Due(at(10))));
        let taken = claim(&storage, 1, at(10), 10).await;
        assert_eq!(taken[0].payload, "sealed 1", "the first stays");
        assert_eq!(standing(&storage, 1).await, Some(Standing::Taken));
        assert!(retry_later(&storage, taken[0].claim, at(20)).await);
        assert_eq!(standing(&storage, 1).await, Some(Standing::Due(at(20))));
        assert!(give_up(&storage, taken[1].claim, at(20)).await);
        assert_eq!(standing(&storage, 2).await, Some(Standing::GivenUp));
        let again = claim(&storage, 1, at(20), 10).await;
        assert_eq!(standing(&storage, 1).await, Some(Standing::Taken));
        assert!(complete(&storage, again[0].claim).await);
        assert_eq!(standing(&storage, 1).await, None);
        // Delivered is forgotten: whoever puts it in again has it delivered again, under its name.
        insert(&storage, vec![row(1, None)]).await;
        assert_eq!(standing(&storage, 1).await, Some(Standing::Due(at(10))));
    }

    async fn an_item_is_taken_by_one_and_gone_when_delivered(database: &Database) {
        let storage = database.storage(&MAIN).await;
        insert(&storage, vec![row(2, None), row(1, None), row(3, None)]).await;
        let mut reader = storage.reader().await.unwrap();
        assert!(!outbox::is_due(&mut reader, "message", at(9)).await.unwrap());
        assert!(outbox::is_due(&mut reader, "message", at(10)).await.unwrap());
        assert!(!outbox::is_due(&mut reader, "logout", at(10)).await.unwrap());
        assert_eq!(claim(&storage, 1, at(9), 10).await, []);
        let first = claim(&storage, 1, at(10), 2).await;
        assert_eq!(first.len(), 2);
        let taken = &first[0];
        assert_eq!((taken.claim.holder, taken.claim.attempt), (holder(1), 1));
        assert_eq!(taken.payload, format!("sealed {}", taken.claim.id.to_u128()));
        assert_eq!((taken.created_at, taken.expires_at), (at(10), at(1000)));
        let rest = claim(&storage, 2, at(10), 10).await;
        let all: BTreeSet<u128> = numbers(&first).into_iter().chain(numbers(&rest)).collect();
        assert_eq!((all, rest.len()), (BTreeSet::from([1, 2, 3]), 1));
        assert!(!outbox::is_due(&mut reader, "message", at(39)).await.unwrap());
        assert!(complete(&storage, first[0].claim).await);
        assert!(!complete(&storage, first[0].claim).await);
        assert_eq!(payloads(&storage).await, 2);
        let counted = OutboxCount { waiting: 2, failed: 0, oldest: Some(at(10)) };
        assert_eq!(count(&storage).await, counted);
    }

    async fn of_racing_claimers_one_gets_an_item(database: &Database) {
        let storage = database.storage(&MAIN).await;
        insert(&storage, (1..=60).map(|number| row(number, None)).collect()).await;
        let racing = storage.clone();
        let claims = race(8, move |node| {
            let storage = racing.clone();
            async move {
                let mut mine = Vec::new();
                // Until all are taken: others may be in the way of one look.
                loop {
                    mine.extend(claim(&storage, node as u128, at(10), 7).await);
                    let mut reader = storage.reader().await.unwrap();
                    if !outbox::is_due(&mut reader, "message", at(10)).await.unwrap() {
                        return mine;
                    }
                }
            }
        })
        .await;
        let mut all: Vec<u128> = claims.iter().flat_map(|mine| numbers(mine)).collect();
        all.sort_unstable();
        assert_eq!(all, (1..=60).collect::<Vec<_>>());
        assert!(claims.iter().flatten().all(|row| row.claim.attempt == 1));
    }

    async fn a_lease_that_lapsed_is_worth_nothing(database: &Database) {
        let storage = database.storage(&MAIN).await;
        insert(&storage, vec![row(1, None)]).await;
        let lost = claim(&storage, 1, at(10), 1).await[0].claim;
        assert_eq!(claim(&storage, 2, at(39), 1).await, []);
        let taken = claim(&storage, 2, at(40), 1).await[0].claim;
        assert_eq!((taken.holder, taken.attempt), (holder(2), 2));
        assert!(!retry_later(&storage, lost, at(11)).await);
        assert!(!give_up(&storage, lost, at(41)).await);
        // The same process's earlier lease is worth no more.
        let earlier = Claim { attempt: 1, ..taken };
        assert!(!retry_later(&storage, earlier, at(11)).await);
        assert_eq!(claim(&storage, 3, at(69), 1).await, []);
        // But what it delivered is delivered.
        assert!(complete(&storage, lost).await);
        assert!(!retry_later(&storage, taken, at(50)).await);
        assert_eq!(count(&storage).await.waiting, 0);
    }

    async fn what_failed_comes_again_when_it_is_due(database: &Database) {
        let storage = database.storage(&MAIN).await;
        insert(&storage, vec![row(1, None)]).await;
        for attempt in 1..=3 {
            let now = at(10 * attempt);
            let claimed = claim(&storage, 1, now, 1).await[0].claim;
            assert_eq!(claimed.attempt, attempt);
            assert!(retry_later(&storage, claimed, at(10 * attempt + 10)).await);
            assert_eq!(claim(&storage, 1, at(10 * attempt + 9), 1).await, []);
        }
    }

    async fn one_ordering_key_is_delivered_in_order(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let rows = vec![row(5, Some("a")), row(4, Some("b")), row(3, Some("a")), row(6, None)];
        insert(&storage, rows).await;
        let first = claim(&storage, 1, at(10), 10).await;
        assert_eq!(numbers(&first), [3, 4, 6]);
        // Taken, or waiting for its next attempt: the one behind it waits.
        assert_eq!(claim(&storage, 2, at(10), 10).await, []);
        assert!(retry_later(&storage, first[0].claim, at(100)).await);
        assert_eq!(claim(&storage, 2, at(12), 10).await, []);
        let again = claim(&storage, 2, at(100), 10).await;
        let third = again.iter().find(|row| row.claim.id.to_u128() == 3).unwrap();
        assert!(!numbers(&again).contains(&5));
        // Given up: nobody waits for what will not come.
        assert!(give_up(&storage, third.claim, at(101)).await);
        assert_eq!(numbers(&claim(&storage, 2, at(102), 10).await), [5]);
    }

    async fn what_is_given_up_keeps_no_payload_and_is_swept(database: &Database) {
        let storage = database.storage(&MAIN).await;
        insert(&storage, vec![row(1, None), row(2, None)]).await;
        let claimed = claim(&storage, 1, at(10), 1).await[0].claim;
        assert!(give_up(&storage, claimed, at(20)).await);
        assert!(!give_up(&storage, claimed, at(21)).await);
        assert_eq!(payloads(&storage).await, 1);
        let counted = OutboxCount { waiting: 1, failed: 1, oldest: Some(at(10)) };
        assert_eq!(count(&storage).await, counted);
        let sweep = |before| write(&storage, move |tx| {
            Box::pin(async move { outbox::delete_expired(tx, before).await })
        });
        assert_eq!(sweep(at(20)).await, 0);
        assert_eq!(sweep(at(21)).await, 1);
        assert_eq!(count(&storage).await.failed, 0);
    }

    async fn what_expired_is_given_up_unless_somebody_is_at_it(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let short = |number| OutboxRow { expires_at: at(20), ..row(number, Some("a")) };
        insert(&storage, vec![short(1), row(2, Some("a")), short(3)]).await;
        let give_up_expired = |now| write(&storage, move |tx| {
            Box::pin(async move { outbox::give_up_expired(tx, "message", now).await })
        });
        assert_eq!(numbers(&claim(&storage, 1, at(15), 10).await), [1]);
        assert_eq!(give_up_expired(at(19)).await, 0);
        // The third has expired, the first is being delivered.
        assert_eq!(give_up_expired(at(20)).await, 1);
        assert_eq!(give_up_expired(at(44)).await, 0);
        // Whoever takes it is told that it has expired, and lets the next one go.
        let late = claim(&storage, 2, at(45), 10).await;
        assert_eq!((numbers(&late), late[0].expires_at), (vec![1], at(20)));
        assert_eq!(give_up_expired(at(75)).await, 1);
        assert_eq!(numbers(&claim(&storage, 2, at(75), 10).await), [2]);
        let counted = OutboxCount { waiting: 1, failed: 2, oldest: Some(at(10)) };
        assert_eq!((count(&storage).await, payloads(&storage).await), (counted, 1));
    }

    async fn at_most_five_hundred_items_are_given_up_or_deleted_at_once(database: &Database) {
        let storage = database.storage(&MAIN).await;
        insert(&storage, (1..=501).map(|number| row(number, None)).collect()).await;
        for expected in [500, 1, 0] {
            let given_up = write(&storage, move |tx| {
                Box::pin(async move { outbox::give_up_expired(tx, "message", at(1000)).await })
            })
            .await;
            assert_eq!(given_up, expected);
        }
        for expected in [500, 1, 0] {
            let deleted = write(&storage, |tx| {
                Box::pin(async move { outbox::delete_expired(tx, at(2000)).await })
            })
            .await;
            assert_eq!(deleted, expected);
        }
    }
}
