//! The ledger's tables, query by query.

use tongxing::domain::id::{Id, WriterId};
use tongxing::domain::instant::Instant;
use tongxing::storage::audit::{BatchRow, EventRow};
use tongxing::storage::changes::{ChangeRow, LANES};
use tongxing::storage::keys::KeyRow;
use tongxing::storage::migrations::{MAIN, VAULT};
use tongxing::storage::usage::Disclosure;
use tongxing::storage::vault::BucketKeyRow;
use tongxing::storage::{BoxFuture, Error, Storage, Transaction};
use tongxing::storage::{audit, changes, keys, leases, usage, vault};

use crate::accounts::add_client;
use crate::harness::{Database, on_both};

/// One transaction.
async fn write<T, F>(storage: &Storage, work: F) -> T
where
    T: Send + 'static,
    F: for<'a> Fn(&'a mut Transaction) -> BoxFuture<'a, Result<T, Error>> + Send + Sync + 'static,
{
    storage.write((), move |tx, ()| work(tx)).await.unwrap()
}

fn at(seconds: i64) -> Instant {
    Instant::from_seconds(seconds)
}

fn writer(number: u128) -> WriterId {
    Id::from_u128(number)
}

fn event(seq: i64) -> EventRow {
    EventRow {
        writer: writer(1),
        seq,
        at: at(seq),
        kind: "login".to_owned(),
        account_id: (seq > 2).then(|| Id::from_u128(9)),
        client_id: (seq > 3).then(|| "portal".to_owned()),
        detail: "{}".to_owned(),
    }
}

fn batch(number: i64) -> BatchRow {
    BatchRow {
        writer: writer(1),
        number,
        kind: "events".to_owned(),
        previous: "p".to_owned(),
        at: at(number),
        settled: 2,
        highest: 3,
        count: 4,
        spans: "1-4".to_owned(),
        root: "r".to_owned(),
        links: String::new(),
        sealed_by: writer(2),
        key_id: "k".to_owned(),
        signature: "s".to_owned(),
    }
}

fn key(key_id: &str, number: i64, status: &str) -> KeyRow {
    KeyRow {
        key_id: key_id.to_owned(),
        purpose: "signing".to_owned(),
        algorithm: "ES256".to_owned(),
        number,
        status: status.to_owned(),
        public: Some("{}".to_owned()),
        wrapped: "w".to_owned(),
        created_at: at(1),
        current_at: None,
        retired_at: None,
    }
}

on_both! {
    async fn changes_are_numbered_within_their_lane(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let row = |lane, seq| ChangeRow {
            lane,
            seq,
            at: at(seq),
            kind: "session".to_owned(),
            subject: format!("{lane}/{seq}"),
        };
        write(&storage, move |tx| {
            Box::pin(async move {
                assert_eq!(changes::take_numbers(tx, 2, 3).await?, 3);
                for seq in 1..=3 {
                    changes::insert(tx, &row(2, seq)).await?;
                }
                assert_eq!(changes::take_numbers(tx, 5, 1).await?, 1);
                changes::insert(tx, &row(5, 1)).await
            })
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        let lanes = changes::lanes(&mut reader).await.unwrap();
        assert_eq!(i64::try_from(lanes.len()).unwrap(), LANES);
        assert!(lanes.iter().zip(0..).all(|(lane, number)| lane.lane == number));
        assert_eq!((lanes[2].seq, lanes[5].seq, lanes[0].seq), (3, 1, 0));
        let since = changes::since(&mut reader, 2, 1, 10).await.unwrap();
        assert_eq!(since, [row(2, 2), row(2, 3)]);
        assert_eq!(changes::since(&mut reader, 2, 0, 1).await.unwrap(), [row(2, 1)]);
        let deleted = write(&storage, |tx| {
            Box::pin(async move { changes::delete_old(tx, (2, i64::MAX), at(3)).await })
        })
        .await;
        assert_eq!(deleted, 2);
        assert_eq!(changes::since(&mut reader, 2, 0, 9).await.unwrap(), [row(2, 3)]);
        assert_eq!(changes::since(&mut reader, 5, 0, 9).await.unwrap(), [row(5, 1)]);
    }

    async fn at_most_five_hundred_changes_are_deleted_at_once(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                let last = changes::take_numbers(tx, 0, 700).await?;
                for seq in 1..=last {
                    let row = ChangeRow {
                        lane: 0,
                        seq,
                        at: at(seq),
                        kind: "keys".to_owned(),
                        subject: String::new(),
                    };
                    changes::insert(tx, &row).await?;
                }
                Ok(())
            })
        })
        .await;
        for expected in [500, 100, 0] {
            let deleted = write(&storage, |tx| {
                Box::pin(async move { changes::delete_old(tx, (0, i64::MAX), at(601)).await })
            })
            .await;
            assert_eq!(deleted, expected);
        }
    }

    async fn events_and_batches_come_back_in_order(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let inserted = write(&storage, |tx| {
            Box::pin(async move {
                for seq in [4, 1, 2, 5] {
                    audit::insert_event(tx, &event(seq)).await?;
                }
                for number in [2, 1, 3] {
                    assert!(audit::insert_batch(tx, &batch(number)).await?);
                }
                audit::insert_batch(tx, &batch(3)).await
            })
        })
        .await;
        assert!(!inserted, "its place is taken");
        let mut reader = storage.reader().await.unwrap();
        let events = audit::events(&mut reader, writer(1), (2, 4), 10).await.unwrap();
        assert_eq!(events, [event(2), event(4)]);
        let events = audit::events(&mut reader, writer(1), (1, i64::MAX), 3).await.unwrap();
        assert_eq!(events, [event(1), event(2), event(4)]);
        let count = audit::count_events(&mut reader, writer(1), (2, 5)).await.unwrap();
        assert_eq!(count, 3);
        let none = audit::count_events(&mut reader, writer(2), (0, 9)).await.unwrap();
        assert_eq!(none, 0);
        let found = audit::find_batch(&mut reader, writer(1), 2).await.unwrap();
        assert_eq!(found, Some(batch(2)));
        assert_eq!(audit::find_batch(&mut reader, writer(2), 2).await.unwrap(), None);
        let batches = audit::batches(&mut reader, writer(1), 2, 9).await.unwrap();
        assert_eq!(batches, [batch(2), batch(3)]);
        let latest = audit::latest_batches(&mut reader, writer(1), i64::MAX, 2).await.unwrap();
        assert_eq!(latest, [batch(3), batch(2)]);
        let below = audit::latest_batches(&mut reader, writer(1), 2, 2).await.unwrap();
        assert_eq!(below, [batch(1)]);
    }

    async fn writers_end_once_and_close_later(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                for number in 1..=3 {
                    audit::insert_writer(tx, writer(number), at(10)).await?;
                    audit::insert_writer(tx, writer(number), at(11)).await?;
                }
                assert!(audit::beat(tx, writer(1), at(20)).await?);
                assert!(!audit::beat(tx, writer(9), at(20)).await?);
                audit::end_writer(tx, writer(2), at(21)).await?;
                audit::end_writer(tx, writer(2), at(99)).await?;
                assert!(!audit::beat(tx, writer(2), at(22)).await?);
                // The first has beaten since, the second has ended, the third is silent.
                assert!(!audit::end_silent_writer(tx, writer(1), at(15), at(30)).await?);
                assert!(!audit::end_silent_writer(tx, writer(2), at(15), at(30)).await?);
                assert!(audit::end_silent_writer(tx, writer(3), at(15), at(30)).await?);
                for number in 1..=3 {
                    audit::close_writer(tx, writer(number), at(30)).await?;
                }
                Ok(())
            })
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        let open = audit::open_writers(&mut reader).await.unwrap();
        let open: Vec<_> = open
            .iter()
            .map(|row| (row.writer, row.heartbeat_at, row.ended_at))
            .collect();
        assert_eq!(
            open,
            [(writer(1), at(20), None), (writer(3), at(10), Some(at(30)))]
        );
    }

    async fn chains_are_walked_whichever_table_names_them(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                audit::insert_writer(tx, writer(3), at(1)).await?;
                audit::insert_event(tx, &event(1)).await?;
                let row = BatchRow { writer: writer(2), ..batch(1) };
                audit::insert_batch(tx, &row).await
            })
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        let mut walked = Vec::new();
        while let Some(next) = audit::next_writer(&mut reader, walked.last().copied()).await.unwrap() {
            walked.push(next);
        }
        assert_eq!(walked, [writer(1), writer(2), writer(3)]);
    }

    async fn a_lease_has_one_holder(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                let (one, other) = (writer(1), writer(2));
                assert!(leases::take(tx, "work", one, (at(0), at(30))).await?);
                assert!(!leases::take(tx, "work", other, (at(29), at(59))).await?);
                assert!(leases::take(tx, "work", one, (at(29), at(59))).await?);
                assert!(leases::take(tx, "play", other, (at(29), at(59))).await?);
                assert!(!leases::take(tx, "work", other, (at(58), at(90))).await?);
                assert!(leases::take(tx, "work", other, (at(59), at(90))).await?);
                leases::release(tx, "work", one).await?;
                assert!(!leases::take(tx, "work", one, (at(60), at(90))).await?);
                leases::release(tx, "work", other).await?;
                assert!(leases::take(tx, "work", one, (at(60), at(90))).await?);
                Ok(())
            })
        })
        .await;
    }

    async fn keys_change_their_status_once(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                assert!(keys::insert(tx, &key("a", 1, "current")).await?);
                assert!(keys::insert(tx, &key("b", 2, "next")).await?);
                assert!(!keys::insert(tx, &key("c", 2, "next")).await?, "the number is taken");
                assert!(!keys::retire(tx, "b", at(5)).await?, "not current");
                assert!(keys::retire(tx, "a", at(5)).await?);
                assert!(!keys::retire(tx, "a", at(6)).await?);
                assert!(!keys::promote(tx, "a", at(5)).await?, "not next");
                assert!(keys::promote(tx, "b", at(5)).await?);
                assert!(!keys::promote(tx, "b", at(6)).await?);
                Ok(())
            })
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        let rows = keys::list(&mut reader).await.unwrap();
        let retired = KeyRow { retired_at: Some(at(5)), ..key("a", 1, "retired") };
        let current = KeyRow { current_at: Some(at(5)), ..key("b", 2, "current") };
        assert_eq!(rows, [retired, current]);
        drop(reader);
        let withdrawn = write(&storage, |tx| {
            Box::pin(async move {
                Ok([
                    keys::withdraw_retired(tx, "another").await?,
                    keys::withdraw_retired(tx, "signing").await?,
                    keys::withdraw_retired(tx, "signing").await?,
                ])
            })
        })
        .await;
        assert_eq!(withdrawn, [0, 1, 0], "of this purpose, and not the current one");
    }

    async fn a_key_is_wrapped_anew_if_it_is_as_it_was_read(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                let row = key("a", 1, "current");
                assert!(keys::insert(tx, &row).await?);
                assert!(keys::rewrap(tx, &row, "anew").await?);
                assert!(!keys::rewrap(tx, &row, "again").await?, "another was faster");
                assert!(keys::admit_wrapped(tx, "old").await?);
                assert_eq!(keys::replace_fact(tx, "outdated_master_key", "old").await?, "old");
                assert!(!keys::admit_wrapped(tx, "old").await?);
                assert!(keys::admit_wrapped(tx, "new").await?);
                Ok(())
            })
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        assert_eq!(keys::list(&mut reader).await.unwrap()[0].wrapped, "anew");
    }

    async fn a_fact_is_noted_once(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                assert_eq!(keys::note_fact(tx, "vault", "one").await?, "one");
                assert_eq!(keys::note_fact(tx, "vault", "two").await?, "one");
                Ok(())
            })
        })
        .await;
    }

    async fn a_fact_of_the_empty_changes_until_there_is_a_client(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                assert_eq!(keys::note_fact_of_the_empty(tx, "issuer", "one").await?, "one");
                assert_eq!(keys::note_fact_of_the_empty(tx, "issuer", "two").await?, "two");
                Ok(())
            })
        })
        .await;
        assert!(add_client(&storage, "portal").await);
        write(&storage, |tx| {
            Box::pin(async move {
                assert_eq!(keys::note_fact_of_the_empty(tx, "issuer", "three").await?, "two");
                assert_eq!(keys::replace_fact(tx, "issuer", "three").await?, "three");
                Ok(())
            })
        })
        .await;
    }

    async fn usage_adds_up(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                let row = Disclosure {
                    day: 1,
                    account_id: String::new(),
                    client_id: "portal".to_owned(),
                    claims: "name".to_owned(),
                    count: 2,
                };
                for _ in 0..3 {
                    usage::add_minute(tx, writer(1), (5, "portal", "refresh"), 2).await?;
                    usage::add_day(tx, writer(1), &row).await?;
                }
                usage::add_minute(tx, writer(2), (5, "portal", "refresh"), 2).await
            })
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        for (sql, counts) in [
            ("SELECT count FROM usage_minutes ORDER BY writer", vec![6, 2]),
            ("SELECT count FROM usage_days", vec![6]),
        ] {
            let rows = reader.fetch_all(sql, &[]).await.unwrap();
            let found: Vec<i64> = rows.iter().map(|row| row.get("count").unwrap()).collect();
            assert_eq!(found, counts);
        }
    }

    async fn the_key_store_keeps_the_first_of_each_version_in_order(database: &Database) {
        let storage = database.storage(&VAULT).await;
        let row = |bucket, version, wrapped: &str| BucketKeyRow {
            bucket,
            version,
            wrapped: wrapped.to_owned(),
        };
        write(&storage, move |tx| {
            Box::pin(async move {
                for (row, follows) in [
                    (row(7, 2, "x"), false),
                    (row(7, 1, "a"), true),
                    (row(7, 1, "b"), false),
                    (row(7, 2, "c"), true),
                    (row(3, 1, "d"), true),
                ] {
                    let added = vault::insert_keys(tx, std::slice::from_ref(&row), at(1)).await?;
                    assert_eq!(added, usize::from(follows), "{row:?}");
                }
                assert!(vault::note_fact(tx, "id", "x").await?);
                assert!(!vault::note_fact(tx, "id", "y").await?);
                Ok(())
            })
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        let of_seven = vault::keys_of(&mut reader, &[7]).await.unwrap();
        assert_eq!(of_seven, [row(7, 1, "a"), row(7, 2, "c")]);
        let all = vault::keys(&mut reader, (-1, 0), 2).await.unwrap();
        assert_eq!(all, [row(3, 1, "d"), row(7, 1, "a")]);
        let rest = vault::keys(&mut reader, (7, 1), 2).await.unwrap();
        assert_eq!(rest, [row(7, 2, "c")]);
        assert_eq!(vault::fact(&mut reader, "id").await.unwrap().as_deref(), Some("x"));
        assert_eq!(vault::fact(&mut reader, "other").await.unwrap(), None);
    }

    async fn the_key_store_wraps_anew_what_is_as_it_was_read(database: &Database) {
        let storage = database.storage(&VAULT).await;
        let row = |bucket, wrapped: &str| BucketKeyRow {
            bucket,
            version: 1,
            wrapped: wrapped.to_owned(),
        };
        write(&storage, move |tx| {
            Box::pin(async move {
                assert_eq!(vault::insert_keys(tx, &[row(7, "a")], at(1)).await?, 1);
                assert!(vault::rewrap_key(tx, &row(7, "a"), "b").await?);
                assert!(!vault::rewrap_key(tx, &row(7, "a"), "c").await?, "another was faster");
                assert!(!vault::rewrap_key(tx, &row(8, "a"), "b").await?, "it is gone");
                assert!(vault::admit_wrapped(tx, "old").await?);
                vault::outdate_master_key(tx, "old").await?;
                assert!(!vault::admit_wrapped(tx, "old").await?);
                assert!(vault::admit_wrapped(tx, "new").await?);
                vault::outdate_master_key(tx, "new").await?;
                assert!(!vault::admit_wrapped(tx, "new").await?);
                assert!(vault::admit_wrapped(tx, "old").await?, "the way back");
                assert!(vault::note_fact(tx, "id", "x").await?);
                assert!(!vault::replace_fact(tx, "id", ("y", "z")).await?);
                assert!(vault::replace_fact(tx, "id", ("x", "z")).await?);
                Ok(())
            })
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        assert_eq!(vault::keys_of(&mut reader, &[7]).await.unwrap(), [row(7, "b")]);
        assert_eq!(vault::fact(&mut reader, "id").await.unwrap().as_deref(), Some("z"));
    }
}
