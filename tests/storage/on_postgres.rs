//! What only PostgreSQL does: conflicts, and connections that die.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tongxing::storage::database::{OpenError, Options};
use tongxing::storage::{Error, Storage, Transaction};
use tongxing::values;

use crate::harness::{Database, THINGS, poll_once, race};

/// Fails with the SQLSTATE until it has been called often enough. A sequence is not rolled back.
const FAILS_AT_FIRST: &str = "
    CREATE SEQUENCE attempts;
    CREATE FUNCTION fails_until(good BIGINT, code TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
    DECLARE attempt BIGINT := nextval('attempts');
    BEGIN
        IF attempt < good THEN RAISE EXCEPTION 'on purpose' USING ERRCODE = code; END IF;
        RETURN attempt;
    END $$;
    CREATE FUNCTION fails_at_commit() RETURNS TRIGGER LANGUAGE plpgsql AS $$
    BEGIN PERFORM fails_until(3, '40001'); RETURN NULL; END $$;";

async fn administer(database: &Database, sql: &str) {
    let url = database.postgres_url().expect("it is PostgreSQL");
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await
        .unwrap();
}

async fn insert(tx: &mut Transaction, id: &str) -> Result<(), Error> {
    tx.execute("INSERT INTO things (id, count) VALUES ($1, 0)", values![id])
        .await
        .map(drop)
}

async fn count(storage: &Storage) -> i64 {
    let mut reader = storage.reader().await.unwrap();
    let row = reader
        .fetch_optional("SELECT COUNT(*) AS n FROM things", &[])
        .await;
    row.unwrap().unwrap().get("n").unwrap()
}

/// An error that does not tell what it was made of.
#[derive(Debug, PartialEq)]
enum Opaque {
    Storage,
}

impl From<Error> for Opaque {
    fn from(_: Error) -> Self {
        Self::Storage
    }
}

/// How often the closure ran, and what came of it.
async fn run_until(good: i64, code: &'static str) -> Option<(u32, Result<(), Opaque>, i64)> {
    let database = Database::postgres().await?;
    let storage = database.storage(&THINGS).await;
    administer(&database, FAILS_AT_FIRST).await;
    let runs = Arc::new(AtomicU32::new(0));
    let result = storage
        .write((Arc::clone(&runs), good), move |tx, (runs, good)| {
            Box::pin(async move {
                runs.fetch_add(1, Ordering::SeqCst);
                insert(tx, "a").await?;
                tx.fetch_all("SELECT fails_until($1, $2)", values![*good, code])
                    .await?;
                Ok(())
            })
        })
        .await;
    Some((runs.load(Ordering::SeqCst), result, count(&storage).await))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serialization_failure_runs_the_write_again() {
    if let Some(outcome) = run_until(3, "40001").await {
        assert_eq!(outcome, (3, Ok(()), 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_runs_the_write_again() {
    if let Some(outcome) = run_until(2, "40P01").await {
        assert_eq!(outcome, (2, Ok(()), 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_runs_eight_times_at_most() {
    if let Some(outcome) = run_until(100, "40001").await {
        assert_eq!(outcome, (8, Err(Opaque::Storage), 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_error_runs_the_write_once() {
    if let Some(outcome) = run_until(3, "23505").await {
        assert_eq!(outcome, (1, Err(Opaque::Storage), 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serialization_failure_at_commit_runs_the_write_again() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let storage = database.storage(&THINGS).await;
    administer(&database, FAILS_AT_FIRST).await;
    administer(
        &database,
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION fails_at_commit()",
    )
    .await;
    let runs = Arc::new(AtomicU32::new(0));
    let result: Result<(), Error> = storage
        .write(Arc::clone(&runs), |tx, runs| {
            Box::pin(async move {
                runs.fetch_add(1, Ordering::SeqCst);
                insert(tx, "a").await
            })
        })
        .await;
    result.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    assert_eq!(count(&storage).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serializable_transactions_lose_no_update() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let name = database.name().unwrap();
    administer(
        &database,
        &format!("ALTER DATABASE {name} SET default_transaction_isolation = serializable"),
    )
    .await;
    let storage = database.storage(&THINGS).await;
    let made: Result<(), Error> = storage.write((), |tx, ()| Box::pin(insert(tx, "a"))).await;
    made.unwrap();
    let results = race(4, |_| {
        let storage = storage.clone();
        async move {
            let result: Result<u64, Error> = storage
                .write((), |tx, ()| {
                    Box::pin(async move {
                        // Check, then act: what the subset forbids shows the conflict.
                        let row = tx.fetch_optional("SELECT count FROM things", &[]).await?;
                        let seen: i64 = row.unwrap().get("count")?;
                        tx.execute("UPDATE things SET count = $1", values![seen + 1])
                            .await
                    })
                })
                .await;
            result.is_ok()
        }
    })
    .await;
    let mut reader = storage.reader().await.unwrap();
    let row = reader
        .fetch_optional("SELECT count FROM things", &[])
        .await
        .unwrap()
        .unwrap();
    let won = i64::try_from(results.iter().filter(|&&won| won).count()).unwrap();
    assert_eq!(row.get::<i64>("count").unwrap(), won);
    assert_eq!(won, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_died_while_idle_are_replaced() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let storage = database.storage(&THINGS).await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for round in 0..3 {
        // Several connections are idle.
        race(4, |_| {
            let storage = storage.clone();
            async move { count(&storage).await }
        })
        .await;
        administer(&database, kill).await;
        let written: Result<(), Error> = storage
            .write(format!("{round}"), |tx, id| Box::pin(insert(tx, id)))
            .await;
        written.unwrap();
        administer(&database, kill).await;
        assert_eq!(count(&storage).await, round + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_before_commit_runs_the_write_again() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let storage = database.storage(&THINGS).await;
    let runs = Arc::new(AtomicU32::new(0));
    let result: Result<(), Opaque> = storage
        .write(Arc::clone(&runs), |tx, runs| {
            Box::pin(async move {
                insert(tx, "a").await?;
                if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                    tx.fetch_all("SELECT pg_terminate_backend(pg_backend_pid())", &[])
                        .await?;
                }
                Ok(())
            })
        })
        .await;
    result.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(count(&storage).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_was_given_up_costs_no_connection() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let options = Options {
        connections: 1,
        ..Options::default()
    };
    let storage = database.storage_with(&THINGS, options).await;
    let backend = async || {
        let mut reader = storage.reader().await.unwrap();
        let row = reader
            .fetch_optional("SELECT pg_backend_pid() AS pid", &[])
            .await;
        row.unwrap().unwrap().get::<i64>("pid").unwrap()
    };
    let before = backend().await;
    let mut reader = storage.reader().await.unwrap();
    {
        let mut read = Box::pin(reader.fetch_all("SELECT pg_sleep(0.05), 1 AS late", &[]));
        assert!(poll_once(read.as_mut()).await.is_none());
    }
    drop(reader);
    // Until it is back, another one is made; both give the right answers.
    let rows = storage
        .reader()
        .await
        .unwrap()
        .fetch_all("SELECT 2 AS next", &[])
        .await
        .unwrap();
    assert_eq!(rows[0].get::<i64>("next").unwrap(), 2);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(backend().await > 0);
    assert!(before > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_loses_commits_is_refused() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let name = database.name().unwrap();
    administer(
        &database,
        &format!("ALTER DATABASE {name} SET synchronous_commit = off"),
    )
    .await;
    let refused = Storage::open(&database.url, &THINGS, Options::default()).await;
    assert!(matches!(
        refused,
        Err(OpenError::NotDurable {
            setting: "synchronous_commit",
            ..
        })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_server_is_named_without_its_password() {
    let url = "postgres://tongxing:hunter2@127.0.0.1:1/tongxing?password=hunter2";
    let refused = Storage::open(&url.parse().unwrap(), &THINGS, Options::default()).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }));
    let text = format!("{error} {error:?}");
    assert!(
        !text.contains("hunter2") && !error.to_string().contains('\n'),
        "{text}"
    );
    assert!(text.contains("127.0.0.1:1"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_waits_for_writes_under_way() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let storage = database.storage(&THINGS).await;
    let mut write = Box::pin(storage.write((), |tx, ()| {
        Box::pin(async move {
            tx.fetch_all("SELECT pg_sleep(0.5)", &[]).await?;
            insert(tx, "a").await
        })
    }));
    assert!(poll_once(write.as_mut()).await.is_none());
    begun(&database).await;
    storage.close().await;
    let done: Result<(), Error> = write.await;
    done.unwrap();
    assert_eq!(count(&database.storage(&THINGS).await).await, 1);
}

/// Waits until the write has begun; on a machine so busy that it has ended since, that will do.
async fn begun(database: &Database) {
    const SEEN: &str = "SELECT 1 FROM pg_stat_activity
                         WHERE query = 'SELECT pg_sleep(0.5)' OR EXISTS (SELECT 1 FROM things)";
    let url = database.postgres_url().expect("it is PostgreSQL");
    let mut connection = PgConnection::connect(url).await.unwrap();
    while connection.fetch_optional(SEEN).await.unwrap().is_none() {}
}
