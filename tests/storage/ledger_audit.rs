//! The audit log: what was sealed cannot be changed unseen, and what was committed gets sealed.

use std::sync::Arc;

use tongxing::crypto::encoding;
use tongxing::ledger::audit::statement;
use tongxing::ledger::audit::verify::ProblemKind;
use tongxing::ledger::{Head, Heads, Ledger};
use tongxing::storage::audit::{self, BatchRow, EventRow};
use tongxing::storage::{Error, Storage};

use crate::harness::{Database, on_both};
use crate::ledger::{House, audit_key, record};

/// A process with three batches of three events each.
async fn sealed(house: &House) -> Ledger {
    let ledger = house.process();
    for _ in 0..3 {
        record(&ledger, 3).await;
        ledger.seal().await.unwrap();
    }
    assert_eq!(house.problems(None).await, []);
    ledger
}

async fn batch(storage: &Storage, ledger: &Ledger, number: i64) -> BatchRow {
    let mut reader = storage.reader().await.unwrap();
    let found = audit::find_batch(&mut reader, ledger.writer(), number).await;
    found.unwrap().unwrap()
}

async fn head(house: &House, ledger: &Ledger) -> Head {
    let head = ledger.link().await.unwrap().unwrap();
    assert_eq!(house.problems(Some(head.clone())).await, []);
    head
}

async fn insert(storage: &Storage, row: BatchRow) {
    let inserted: Result<bool, Error> = storage
        .write(row, |tx, row| {
            Box::pin(async move { audit::insert_batch(tx, row).await })
        })
        .await;
    assert!(inserted.unwrap());
}

on_both! {
    async fn what_is_sealed_verifies_and_what_is_not_is_counted(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house).await;
        let report = house.verify(None).await;
        assert_eq!((report.writers, report.batches, report.events), (1, 3, 9));
        record(&ledger, 2).await;
        house.pass(5);
        let report = house.verify(None).await;
        assert!(report.ok);
        assert_eq!(report.pending, 2);
        house.pass(1);
        let report = house.verify(None).await;
        assert!(!report.ok);
        assert_eq!(report.problems.len(), 2);
        assert_eq!(report.problems[0].kind, ProblemKind::EventOverdue);
        ledger.seal().await.unwrap();
        assert_eq!(house.problems(None).await, []);
        // Nothing new, no batch.
        ledger.seal().await.unwrap();
        assert_eq!(house.verify(None).await.batches, 4);
    }

    async fn a_changed_event_is_found(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house).await;
        for sql in [
            "UPDATE audit_events SET detail = '{\"amr\":[\"otp\"]}' WHERE writer = $1 AND seq = 5",
            "UPDATE audit_events SET at = at + 1 WHERE writer = $1 AND seq = 1",
            "UPDATE audit_events SET account_id = NULL WHERE writer = $1 AND seq = 9",
        ] {
            assert_eq!(house.tamper(sql, ledger.writer()).await, 1);
        }
        assert_eq!(house.problems(None).await, [ProblemKind::EventsChanged]);
        assert_eq!(house.verify(None).await.problems.len(), 3);
    }

    async fn a_deleted_event_is_found(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house).await;
        let sql = "DELETE FROM audit_events WHERE writer = $1 AND seq = 4";
        assert_eq!(house.tamper(sql, ledger.writer()).await, 1);
        let report = house.verify(None).await;
        assert_eq!(report.problems.len(), 1);
        assert_eq!(report.problems[0].kind, ProblemKind::EventMissing);
        assert_eq!(report.problems[0].batch, Some(2));
    }

    async fn reordered_events_are_found(database: &Database) {
        let house = House::new(database).await;
        let ledger = house.process();
        for _ in 0..6 {
            house.pass(1);
            record(&ledger, 1).await;
        }
        ledger.seal().await.unwrap();
        assert_eq!(house.problems(None).await, []);
        for (from, sql) in [
            (5, "UPDATE audit_events SET seq = -1 WHERE writer = $1 AND seq = 5"),
            (6, "UPDATE audit_events SET seq = 5 WHERE writer = $1 AND seq = 6"),
            (-1, "UPDATE audit_events SET seq = 6 WHERE writer = $1 AND seq = -1"),
        ] {
            assert_eq!(house.tamper(sql, ledger.writer()).await, 1, "{from}");
        }
        assert_eq!(house.problems(None).await, [ProblemKind::EventsChanged]);
    }

    async fn a_deleted_batch_is_found(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house).await;
        let sql = "DELETE FROM audit_batches WHERE writer = $1 AND number = 2";
        assert_eq!(house.tamper(sql, ledger.writer()).await, 1);
        let kinds = house.problems(None).await;
        assert_eq!(kinds, [ProblemKind::BatchMissing, ProblemKind::EventUnsealed]);
    }

    async fn an_edited_root_is_found(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house).await;
        let sql = "UPDATE audit_batches SET root = previous WHERE writer = $1 AND number = 3";
        assert_eq!(house.tamper(sql, ledger.writer()).await, 1);
        let kinds = house.problems(None).await;
        assert_eq!(kinds, [ProblemKind::SignatureInvalid, ProblemKind::EventsChanged]);
    }

    async fn another_key_is_found(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house).await;
        // A changed event, and its batch signed anew by whoever changed it.
        let sql = "DELETE FROM audit_batches WHERE writer = $1 AND number = 3";
        let mut forged = batch(&house.storage, &ledger, 3).await;
        house.tamper(sql, ledger.writer()).await;
        let other = audit_key();
        forged.key_id = other.kid().to_owned();
        forged.signature = encoding::encode(&other.sign(&statement(&forged)).unwrap());
        insert(&house.storage, forged.clone()).await;
        assert_eq!(house.problems(None).await, [ProblemKind::KeyUnknown]);
        house.tamper(sql, ledger.writer()).await;
        forged.key_id = house.key.kid().to_owned();
        insert(&house.storage, forged).await;
        assert_eq!(house.problems(None).await, [ProblemKind::SignatureInvalid]);
    }

    async fn an_event_in_two_batches_is_found(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house).await;
        record(&ledger, 1).await;
        let (second, last) = (
            batch(&house.storage, &ledger, 2).await,
            batch(&house.storage, &ledger, 3).await,
        );
        let head = head(&house, &ledger).await;
        let sql = "DELETE FROM audit_batches WHERE writer = $1 AND number = 4";
        house.tamper(sql, ledger.writer()).await;
        // Even by whoever has the key.
        let mut twice = BatchRow {
            number: 4,
            previous: batch(&house.storage, &ledger, 3).await.previous,
            settled: last.settled,
            highest: last.highest,
            ..second
        };
        twice.signature = encoding::encode(&house.key.sign(&statement(&twice)).unwrap());
        insert(&house.storage, twice).await;
        let kinds = house.problems(Some(head)).await;
        assert_eq!(
            kinds,
            [ProblemKind::ChainBroken, ProblemKind::SealedTwice, ProblemKind::HeadMissing]
        );
    }

    async fn an_event_added_later_is_found(database: &Database) {
        let house = House::new(database).await;
        let ledger = house.process();
        record(&ledger, 1).await;
        let refused: Result<(), Error> = ledger
            .write(crate::ledger::login(ledger.now()), |entry, event| {
                Box::pin(async move {
                    entry.record(event).await?;
                    Err(Error::Refused("by the use case".to_owned()))
                })
            })
            .await;
        assert!(refused.is_err());
        record(&ledger, 1).await;
        ledger.seal().await.unwrap();
        assert_eq!(house.problems(None).await, []);
        // Into the gap that the refused write left.
        let sql = "INSERT INTO audit_events (writer, seq, at, kind, detail) \
             VALUES ($1, 2, 1700000000000, 'login', '{}')";
        assert_eq!(house.tamper(sql, ledger.writer()).await, 1);
        house.pass(60);
        assert_eq!(house.problems(None).await, [ProblemKind::EventUnsealed]);
    }

    async fn a_truncated_tail_is_found_behind_a_head(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house).await;
        let head = head(&house, &ledger).await;
        for sql in [
            "DELETE FROM audit_batches WHERE writer = $1 AND number >= 3",
            "DELETE FROM audit_events WHERE writer = $1 AND seq >= 7",
        ] {
            house.tamper(sql, ledger.writer()).await;
        }
        // The rest is whole in itself; only a witness knows of more.
        assert_eq!(house.problems(None).await, []);
        assert_eq!(house.problems(Some(head)).await, [ProblemKind::HeadMissing]);
    }

    async fn a_truncated_tail_is_found_behind_another_chain(database: &Database) {
        let house = House::new(database).await;
        let (one, other) = (sealed(&house).await, house.process());
        record(&other, 1).await;
        other.seal().await.unwrap();
        let link = head(&house, &other).await;
        assert_eq!(link.writer, other.writer());
        for sql in [
            "DELETE FROM audit_batches WHERE writer = $1 AND number >= 3",
            "DELETE FROM audit_events WHERE writer = $1 AND seq >= 7",
        ] {
            house.tamper(sql, one.writer()).await;
        }
        let report = house.verify(None).await;
        assert_eq!(report.problems.len(), 1);
        assert_eq!(report.problems[0].kind, ProblemKind::HeadMissing);
        assert_eq!(report.problems[0].writer, Some(one.writer()));
        // A whole chain that is gone too.
        for sql in [
            "DELETE FROM audit_batches WHERE writer = $1",
            "DELETE FROM audit_events WHERE writer = $1",
            "DELETE FROM audit_writers WHERE writer = $1",
        ] {
            house.tamper(sql, one.writer()).await;
        }
        assert_eq!(house.problems(None).await, [ProblemKind::HeadMissing]);
    }

    async fn a_tail_cut_off_after_the_last_link_is_found_in_every_chain(database: &Database) {
        let house = House::new(database).await;
        let (one, other) = (sealed(&house).await, house.process());
        let linked = head(&house, &one).await;
        assert_eq!(house.verify(None).await.head, Some(linked.to_string()));
        for ledger in [&one, &other] {
            record(ledger, 3).await;
            ledger.seal().await.unwrap();
        }
        // Neither chain's head stands in a link yet.
        let noted: Heads = house.verify(None).await.head.unwrap().parse().unwrap();
        assert_eq!(noted.0.len(), 2);
        assert!(house.verify_with(noted.clone()).await.ok);
        for (ledger, batch, seq) in [
            (&one, "DELETE FROM audit_batches WHERE writer = $1 AND number >= 5",
                "DELETE FROM audit_events WHERE writer = $1 AND seq >= 10"),
            (&other, "DELETE FROM audit_batches WHERE writer = $1",
                "DELETE FROM audit_events WHERE writer = $1"),
        ] {
            let before = house.verify_with(noted.clone()).await.problems.len();
            house.tamper(batch, ledger.writer()).await;
            house.tamper(seq, ledger.writer()).await;
            let report = house.verify_with(noted.clone()).await;
            assert_eq!(report.problems.len(), before + 1, "{report:?}");
            assert_eq!(report.problems[before].kind, ProblemKind::HeadMissing);
        }
        // The link's head, all that was noted before, shows nothing of it.
        assert_eq!(house.problems(Some(linked)).await, []);
    }

    async fn few_heads_hold_all_chains(database: &Database) {
        let house = House::new(database).await;
        let mut ledgers = Vec::new();
        for _ in 0..4 {
            ledgers.push(sealed(&house).await);
        }
        let noted: Heads = house.verify(None).await.head.unwrap().parse().unwrap();
        assert_eq!(noted.0.len(), 4);
        let linked = ledgers[2].link().await.unwrap().unwrap();
        assert_eq!(house.verify(None).await.head, Some(linked.to_string()));
        record(&ledgers[0], 1).await;
        ledgers[0].seal().await.unwrap();
        let noted: Heads = house.verify(None).await.head.unwrap().parse().unwrap();
        let names = |writers: &[_]| {
            let mut names: Vec<String> = writers.iter().map(ToString::to_string).collect();
            names.sort();
            names
        };
        let writers: Vec<_> = noted.0.iter().map(|head| head.writer).collect();
        let expected = [ledgers[0].writer(), ledgers[2].writer()];
        assert_eq!(names(&writers), names(&expected));
    }

    async fn a_link_is_written_when_something_happened(database: &Database) {
        let house = House::new(database).await;
        let (one, other) = (sealed(&house).await, sealed(&house).await);
        let first = head(&house, &one).await;
        assert_eq!(one.link().await.unwrap(), None, "nothing new");
        assert_eq!(other.link().await.unwrap(), None, "the other holds the lease");
        record(&other, 1).await;
        other.seal().await.unwrap();
        let second = head(&house, &one).await;
        assert_eq!(second.number, first.number + 1);
        assert_eq!(house.verify(None).await.head, Some(second.to_string()));
        // It ends, and the other takes over at once.
        one.close().await.unwrap();
        assert!(other.link().await.unwrap().is_some());
    }

    async fn events_of_a_dead_process_are_sealed(database: &Database) {
        let house = House::new(database).await;
        let (dead, heir) = (house.process(), house.process());
        heir.register().await.unwrap();
        record(&dead, 3).await;
        dead.seal().await.unwrap();
        record(&dead, 2).await;
        house.pass(5);
        heir.recover().await.unwrap();
        assert_eq!(house.verify(None).await.pending, 2, "not yet taken for dead");
        house.pass(1);
        assert_eq!(house.problems(None).await, [ProblemKind::EventOverdue]);
        heir.seal().await.unwrap();
        heir.recover().await.unwrap();
        let report = house.verify(None).await;
        assert!(report.ok, "{report:?}");
        assert_eq!((report.events, report.pending), (5, 0));
        let recovered = batch(&house.storage, &dead, 2).await;
        assert_eq!((recovered.kind.as_str(), recovered.count), ("recovered", 2));
        assert_eq!(recovered.sealed_by, heir.writer());
        heir.recover().await.unwrap();
        assert_eq!(house.verify(None).await.batches, 2, "nothing is sealed twice");
    }

    async fn a_process_taken_for_dead_begins_anew(database: &Database) {
        let house = House::new(database).await;
        let (slow, heir) = (house.process(), house.process());
        heir.register().await.unwrap();
        record(&slow, 2).await;
        house.pass(6);
        heir.seal().await.unwrap();
        heir.recover().await.unwrap();
        let before = slow.writer();
        // It lives, and records once more before it learns what happened.
        record(&slow, 1).await;
        slow.seal().await.unwrap();
        assert_ne!(slow.writer(), before);
        record(&slow, 4).await;
        slow.seal().await.unwrap();
        heir.recover().await.unwrap();
        let report = house.verify(None).await;
        assert!(report.ok, "{report:?}");
        assert_eq!((report.events, report.pending), (7, 0));
    }

    async fn a_closed_process_leaves_nothing_pending(database: &Database) {
        let house = House::new(database).await;
        let ledger = house.process();
        ledger.close().await.unwrap();
        assert_eq!(house.count("SELECT COUNT(*) AS n FROM audit_writers").await, 0);
        record(&ledger, 1).await;
        ledger.close().await.unwrap();
        let report = house.verify(None).await;
        assert!(report.ok);
        assert_eq!((report.events, report.pending), (1, 0));
        let ended = "SELECT COUNT(*) AS n FROM audit_writers WHERE ended_at IS NOT NULL";
        assert_eq!(house.count(ended).await, 1);
    }

    async fn the_chain_goes_on_under_a_new_key(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house).await;
        ledger.sign_audit_with(audit_key());
        record(&ledger, 1).await;
        ledger.seal().await.unwrap();
        // This verifier does not know it.
        assert_eq!(house.problems(None).await, [ProblemKind::KeyUnknown]);
        ledger.sign_audit_with(Arc::clone(&house.key));
        record(&ledger, 1).await;
        ledger.seal().await.unwrap();
        assert_eq!(house.verify(None).await.problems.len(), 1);
    }

    async fn ended_writers_leave_the_links_in_time(database: &Database) {
        let house = House::new(database).await;
        let (command, server) = (sealed(&house).await, house.process());
        server.register().await.unwrap();
        command.close().await.unwrap();
        let open = "SELECT COUNT(*) AS n FROM audit_writers WHERE NOT closed";
        server.link().await.unwrap().unwrap();
        assert_eq!(house.count(open).await, 2, "late commits may come");
        house.pass(601);
        record(&server, 1).await;
        server.seal().await.unwrap();
        server.link().await.unwrap().unwrap();
        assert_eq!(house.count(open).await, 1);
        let last = server.link().await.unwrap().unwrap();
        let row = batch(&house.storage, &server, last.number).await;
        assert_eq!(row.links, "");
        assert_eq!(house.problems(Some(last)).await, []);
    }

    async fn many_writers_at_once_verify(database: &Database) {
        let house = House::new(database).await;
        let ledgers = [house.process(), house.process()];
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let ledger = ledgers[n % 2].clone();
                tokio::spawn(async move {
                    for _ in 0..10 {
                        record(&ledger, 4).await;
                        ledger.seal().await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let report = house.verify(None).await;
        assert!(report.ok, "{report:?}");
        assert_eq!((report.events, report.pending), (320, 0));
    }

    async fn events_are_stored_as_recorded(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house).await;
        let mut reader = house.storage.reader().await.unwrap();
        let rows = audit::events(&mut reader, ledger.writer(), (2, 2), 10).await.unwrap();
        assert_eq!(
            rows,
            [EventRow {
                writer: ledger.writer(),
                seq: 2,
                at: ledger.now(),
                kind: "login".to_owned(),
                account_id: Some(tongxing::domain::id::AccountId::from_u128(7)),
                client_id: Some("portal".to_owned()),
                detail: r#"{"amr":["pwd"]}"#.to_owned(),
            }]
        );
    }
}
