//! A PostgreSQL that is gone without a word, and one that is merely slow.

use std::time::{Duration, Instant};

use tongxing::storage::database::{DatabaseUrl, Options};
use tongxing::storage::{Error, Storage};
use tongxing::values;

use crate::harness::{Database, THINGS};
use crate::proxy::{Proxy, Way};

/// For what comes by itself, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// Longer than a server that is gone is waited for, on a busy machine; shorter than one that is slow.
const BOUNDED: Duration = Duration::from_secs(8);
const READERS: usize = 4;

/// A database behind a proxy.
async fn behind_a_proxy(database: &Database) -> (Proxy, Storage) {
    database.storage(&THINGS).await;
    let mut url: url::Url = database.postgres_url().unwrap().parse().unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let proxy = Proxy::to(server).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    let url: DatabaseUrl = url.as_str().parse().unwrap();
    let options = Options {
        connections: READERS,
        ..Options::default()
    };
    let storage = Storage::open(&url, &THINGS, options).await.unwrap();
    // Every connection that there may be.
    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(storage.reader().await.unwrap());
    }
    for reader in &mut readers {
        reader.fetch_all("SELECT 1 AS one", &[]).await.unwrap();
    }
    (proxy, storage)
}

async fn read(storage: &Storage) -> Result<(), Error> {
    let mut reader = storage.reader().await?;
    reader.fetch_all("SELECT 1 AS one", &[]).await.map(drop)
}

async fn write(storage: &Storage, id: &'static str) -> Result<(), Error> {
    storage
        .write(id, |tx, id| {
            Box::pin(async move {
                let sql = "INSERT INTO things (id, count) VALUES ($1, 0)";
                tx.execute(sql, values![*id]).await.map(drop)
            })
        })
        .await
}

#[tokio::test]
async fn a_slow_statement_is_waited_for() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let storage = database.storage(&THINGS).await;
    let mut reader = storage.reader().await.unwrap();
    // Longer than any silence is borne: somebody asked, and the server was there.
    let slow = "SELECT pg_sleep(3), 1 AS late";
    let rows = reader.fetch_all(slow, &[]).await.unwrap();
    assert_eq!(rows[0].get::<i64>("late").ok(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_server_gone_silent_is_given_up_and_others_are_answered_afterwards() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let (proxy, storage) = behind_a_proxy(&database).await;
    proxy.set(Way::Silent);
    let began = Instant::now();
    let reads = (0..READERS - 1).map(|_| {
        let storage = storage.clone();
        tokio::spawn(async move { read(&storage).await })
    });
    let reads: Vec<_> = reads.collect();
    let written = write(&storage, "lost").await;
    assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
    for read in reads {
        let read = read.await.unwrap();
        assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    }
    measured(format_args!("given up after {:?}", began.elapsed()));
    assert!(began.elapsed() < BOUNDED, "{:?}", began.elapsed());

    proxy.open_for_new();
    while let Err(error) = write(&storage, "found").await {
        assert!(began.elapsed() < PATIENCE, "{error}");
    }
    for _ in 0..READERS {
        while let Err(error) = read(&storage).await {
            assert!(began.elapsed() < PATIENCE, "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_were_forgotten_on_the_way_are_replaced_before_they_are_used() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let (proxy, storage) = behind_a_proxy(&database).await;
    proxy.open_for_new();
    // As long as they are trusted after their last use.
    tokio::time::sleep(Duration::from_millis(5500)).await;
    let began = Instant::now();
    for id in ["a", "b", "c", "d"] {
        while let Err(error) = read(&storage).await {
            assert!(began.elapsed() < PATIENCE, "{error}");
        }
        while let Err(error) = write(&storage, id).await {
            assert!(began.elapsed() < PATIENCE, "{error}");
        }
    }
    measured(format_args!("replaced after {:?}", began.elapsed()));
}

/// Says what was measured, to whoever runs tests with `--nocapture`.
#[expect(clippy::print_stdout, reason = "what was measured is for people")]
fn measured(what: std::fmt::Arguments<'_>) {
    println!("{what}");
}
