//! Writes: all or nothing, once, and nobody's hanging up interrupts them.

use std::time::Duration;

use tongxing::storage::database::Options;
use tongxing::storage::{Error, Storage, Transaction};
use tongxing::values;

use crate::harness::{Database, THINGS, on_both, poll_once, race};

const INSERT: &str = "INSERT INTO things (id, owner, count) VALUES ($1, NULL, 0)";

/// What a use case refuses with.
#[derive(Debug)]
enum Refusal {
    Said,
    Storage(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Storage(error)
    }
}

async fn insert(tx: &mut Transaction, id: &str) -> Result<(), Error> {
    tx.execute(INSERT, values![id]).await.map(drop)
}

async fn ids(storage: &Storage) -> Vec<String> {
    let mut reader = storage.reader().await.unwrap();
    let rows = reader
        .fetch_all("SELECT id FROM things ORDER BY id", &[])
        .await
        .unwrap();
    rows.iter().map(|row| row.get("id").unwrap()).collect()
}

on_both! {
    async fn the_answer_comes_after_commit(database: &Database) {
        let storage = database.storage(&THINGS).await;
        for index in 0..50 {
            let id = format!("{index:02}");
            let done: Result<(), Error> = storage
                .write(id.clone(), |tx, id| Box::pin(insert(tx, id)))
                .await;
            done.unwrap();
            assert_eq!(ids(&storage).await.last(), Some(&id));
        }
    }

    async fn a_refusal_undoes_only_its_own_write(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let results = race(40, |index| {
            let storage = storage.clone();
            async move {
                storage
                    .write(index, |tx, &index| {
                        Box::pin(async move {
                            insert(tx, &format!("{index:02}")).await?;
                            if index % 4 == 1 {
                                return Err(Refusal::Said);
                            }
                            if index % 4 == 2 {
                                // The same key again: the statement fails.
                                insert(tx, &format!("{index:02}")).await?;
                            }
                            Ok(index)
                        })
                    })
                    .await
            }
        })
        .await;
        for (index, result) in results.into_iter().enumerate() {
            match (index % 4, result) {
                (0 | 3, Ok(answer)) => assert_eq!(answer, index),
                (1, Err(Refusal::Said)) | (2, Err(Refusal::Storage(Error::Refused(_)))) => {}
                (_, other) => panic!("{index}: {other:?}"),
            }
        }
        let expected: Vec<String> = (0..40)
            .filter(|index| matches!(index % 4, 0 | 3))
            .map(|index| format!("{index:02}"))
            .collect();
        assert_eq!(ids(&storage).await, expected);
    }

    async fn a_panic_undoes_only_its_own_write(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let results = race(8, |index| {
            let storage = storage.clone();
            async move {
                storage
                    .write(index, |tx, &index| {
                        Box::pin(async move {
                            insert(tx, &index.to_string()).await?;
                            assert!(index != 3, "on purpose");
                            Ok::<_, Error>(())
                        })
                    })
                    .await
            }
        })
        .await;
        assert!(matches!(&results[3], Err(Error::Refused(_))));
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 7);
        assert_eq!(ids(&storage).await.len(), 7);
    }

    async fn a_failed_statement_cannot_be_ignored(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let result: Result<(), Error> = storage
            .write((), |tx, ()| {
                Box::pin(async move {
                    insert(tx, "a").await?;
                    let twice = insert(tx, "a").await;
                    assert!(matches!(twice, Err(Error::Refused(_))));
                    let after = insert(tx, "b").await;
                    assert!(matches!(after, Err(Error::Refused(_))));
                    Ok(())
                })
            })
            .await;
        assert!(matches!(result, Err(Error::Refused(_))), "{result:?}");
        assert!(ids(&storage).await.is_empty());
    }

    async fn of_32_that_use_a_thing_one_wins(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let made: Result<(), Error> = storage.write((), |tx, ()| Box::pin(insert(tx, "code"))).await;
        made.unwrap();
        let results = race(32, |index| {
            let storage = storage.clone();
            async move {
                let won: Result<Option<i64>, Error> = storage
                    .write(format!("task {index}"), |tx, task| {
                        Box::pin(async move {
                            let row = tx
                                .returning(
                                    "UPDATE things SET owner = $2, count = count + 1 \
                                     WHERE id = $1 AND owner IS NULL RETURNING count",
                                    values!["code", task],
                                )
                                .await?;
                            row.map(|row| row.get("count")).transpose()
                        })
                    })
                    .await;
                won.unwrap()
            }
        })
        .await;
        let winners: Vec<i64> = results.into_iter().flatten().collect();
        assert_eq!(winners, [1]);
    }

    async fn of_32_that_insert_a_mark_one_wins(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let results = race(32, |_| {
            let storage = storage.clone();
            async move {
                let inserted: Result<u64, Error> = storage
                    .write((), |tx, ()| {
                        Box::pin(async move {
                            tx.execute(
                                "INSERT INTO things (id, count) VALUES ($1, 0) ON CONFLICT DO NOTHING",
                                values!["mark"],
                            )
                            .await
                        })
                    })
                    .await;
                inserted.unwrap()
            }
        })
        .await;
        assert_eq!(results.iter().sum::<u64>(), 1);
    }

    async fn counting_loses_nothing(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let made: Result<(), Error> = storage.write((), |tx, ()| Box::pin(insert(tx, "lane"))).await;
        made.unwrap();
        let mut numbers = race(32, |_| {
            let storage = storage.clone();
            async move {
                let number: Result<i64, Error> = storage
                    .write((), |tx, ()| {
                        Box::pin(async move {
                            let row = tx
                                .returning(
                                    "UPDATE things SET count = count + 1 WHERE id = $1 RETURNING count",
                                    values!["lane"],
                                )
                                .await?;
                            row.unwrap().get("count")
                        })
                    })
                    .await;
                number.unwrap()
            }
        })
        .await;
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=32).collect::<Vec<i64>>());
    }

    async fn a_caller_that_hangs_up_interrupts_nothing(database: &Database) {
        let storage = database.storage(&THINGS).await;
        // Dropped with the input, when all is over.
        let (held, mut over) = tokio::sync::mpsc::channel::<()>(1);
        let mut write = Box::pin(storage.write(held, |tx, _| {
            Box::pin(async move {
                insert(tx, "a").await?;
                insert(tx, "b").await?;
                insert(tx, "c").await
            })
        }));
        // One poll hands the work over; then the caller is gone.
        let polled: Option<Result<(), Error>> = poll_once(write.as_mut()).await;
        assert!(polled.is_none(), "it should be under way");
        drop(write);
        assert_eq!(over.recv().await, None);
        assert_eq!(ids(&storage).await, ["a", "b", "c"]);
    }

    async fn a_transaction_reads_what_it_wrote_and_others_do_not(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let seen: Result<usize, Refusal> = storage
            .write((), |tx, ()| {
                Box::pin(async move {
                    insert(tx, "a").await?;
                    let rows = tx.fetch_all("SELECT id FROM things", &[]).await?;
                    assert_eq!(rows.len(), 1);
                    Err(Refusal::Said)
                })
            })
            .await;
        assert!(matches!(seen, Err(Refusal::Said)));
        assert!(ids(&storage).await.is_empty());
    }

    async fn a_pool_that_is_used_up_says_so_in_time(database: &Database) {
        let options = Options {
            connections: 2,
            // Long enough to connect on a busy machine.
            pool_wait: Duration::from_secs(2),
            ..Options::default()
        };
        let storage = database.storage_with(&THINGS, options).await;
        let first = storage.reader().await.unwrap();
        let _second = storage.reader().await.unwrap();
        let third = storage.reader().await;
        assert!(matches!(third, Err(Error::Unavailable(_))));
        assert!(storage.dedicated_reader().await.is_ok());
        drop(first);
        assert!(storage.reader().await.is_ok());
    }

    async fn after_close_nothing_is_accepted(database: &Database) {
        let storage = database.storage(&THINGS).await;
        storage.close().await;
        let refused: Result<(), Error> =
            storage.write((), |tx, ()| Box::pin(insert(tx, "late"))).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))));
        assert!(matches!(storage.reader().await, Err(Error::Unavailable(_))));
    }
}
