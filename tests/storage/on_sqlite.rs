//! What only SQLite does: batches, one writer, other processes.

use std::pin::Pin;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use tongxing::storage::database::{DatabaseUrl, Options};
use tongxing::storage::{Error, Storage, Transaction};
use tongxing::values;

use crate::harness::{Database, THINGS, poll_once};

async fn insert(tx: &mut Transaction, id: &str) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO things (id, owner, count) VALUES ($1, $2, 0)",
        values![id, "x".repeat(500)],
    )
    .await
    .map(drop)
}

/// Closing any descriptor of a file drops every POSIX lock that the process holds on it. Without
/// them another process takes itself for the last one and removes the log that is being written.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_database_that_was_there_before_stays_locked() {
    use std::os::unix::fs::MetadataExt as _;
    let database = Database::sqlite();
    drop(database.storage(&THINGS).await);
    let storage = Storage::open(&database.url, &THINGS, Options::default())
        .await
        .unwrap();
    storage.prepare_schema().await.unwrap();
    let mut reader = storage.reader().await.unwrap();
    reader
        .fetch_optional("SELECT COUNT(*) AS n FROM things", &[])
        .await
        .unwrap();
    let inode = std::fs::metadata(database.url.file().unwrap())
        .unwrap()
        .ino()
        .to_string();
    let ours = std::process::id().to_string();
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    let is_ours = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(4) == Some(&ours.as_str())
            && words
                .get(5)
                .is_some_and(|file| file.rsplit(':').next() == Some(&inode))
    };
    assert!(
        locks.lines().any(is_ours),
        "inode {inode} of process {ours} in\n{locks}"
    );
}

async fn count(storage: &Storage) -> i64 {
    let mut reader = storage.reader().await.unwrap();
    let row = reader
        .fetch_optional("SELECT COUNT(*) AS n FROM things", &[])
        .await
        .unwrap()
        .unwrap();
    row.get("n").unwrap()
}

/// Holds the writer in a closure until both sides have met at the barrier twice.
fn hold(storage: &Storage) -> (Arc<Barrier>, tokio::task::JoinHandle<Result<(), Error>>) {
    let barrier = Arc::new(Barrier::new(2));
    let (storage, inside) = (storage.clone(), Arc::clone(&barrier));
    let task = tokio::spawn(async move {
        storage
            .write(inside, |_, inside| {
                Box::pin(async move {
                    inside.wait();
                    inside.wait();
                    Ok(())
                })
            })
            .await
    });
    (barrier, task)
}

/// Writes that wait in the queue when this returns.
async fn queued(
    storage: &Storage,
    count: usize,
) -> Vec<Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>> {
    let mut writes: Vec<Pin<Box<dyn Future<Output = _> + Send>>> = Vec::new();
    for index in 0..count {
        let storage = storage.clone();
        let mut write = Box::pin(async move {
            storage
                .write(index.to_string(), |tx, id| Box::pin(insert(tx, id)))
                .await
        });
        assert!(poll_once(write.as_mut()).await.is_none());
        writes.push(write);
    }
    writes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_at_once() {
    let database = Database::sqlite();
    let options = Options {
        queue: 3,
        ..Options::default()
    };
    let storage = database.storage_with(&THINGS, options).await;
    let (barrier, held) = hold(&storage);
    barrier.wait();
    // The writer has taken the first; three more may wait.
    let waiting = queued(&storage, 3).await;
    let fourth: Result<(), Error> = storage
        .write((), |tx, ()| Box::pin(insert(tx, "fourth")))
        .await;
    assert!(matches!(fourth, Err(Error::Unavailable(_))), "{fourth:?}");
    barrier.wait();
    held.await.unwrap().unwrap();
    for write in waiting {
        write.await.unwrap();
    }
    assert_eq!(count(&storage).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_sqlite_rolls_back_is_unavailable_as_a_whole() {
    let database = Database::sqlite();
    let storage = database.storage(&THINGS).await;
    let limited: Result<(), Error> = storage
        .write((), |tx, ()| {
            Box::pin(async move {
                tx.fetch_all("PRAGMA max_page_count = 20", &[])
                    .await
                    .map(drop)
            })
        })
        .await;
    limited.unwrap();
    // All in the batch of the first: 200 rows of an eighth of a page do not fit.
    let (barrier, held) = hold(&storage);
    barrier.wait();
    let writes = queued(&storage, 200).await;
    barrier.wait();
    let held = held.await.unwrap();
    assert!(matches!(held, Err(Error::Unavailable(_))), "{held:?}");
    let mut written = 0;
    for (index, write) in writes.into_iter().enumerate() {
        match write.await {
            Ok(()) => written += 1,
            Err(Error::Unavailable(_)) => {}
            Err(other) => panic!("{other}"),
        }
        assert!(
            index > 0 || written == 0,
            "the first was in the batch that was lost"
        );
    }
    // Whoever was told yes is there, nobody else; and the writer goes on.
    assert_eq!(count(&storage).await, written);
    let roomy: Result<(), Error> = storage
        .write((), |tx, ()| {
            Box::pin(async move {
                tx.fetch_all("PRAGMA max_page_count = 1000", &[]).await?;
                insert(tx, "after").await
            })
        })
        .await;
    roomy.unwrap();
    assert_eq!(count(&storage).await, written + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queued_writes_are_written_after_the_last_storage_is_dropped() {
    let database = Database::sqlite();
    let storage = database.storage(&THINGS).await;
    let (barrier, held) = hold(&storage);
    barrier.wait();
    let writes = queued(&storage, 5).await;
    let (sender, mut over) = tokio::sync::mpsc::channel::<()>(1);
    let mut last = Box::pin({
        let storage = storage.clone();
        async move {
            let written: Result<(), Error> = storage
                .write(sender, |tx, _| Box::pin(insert(tx, "last")))
                .await;
            written
        }
    });
    assert!(poll_once(last.as_mut()).await.is_none());
    drop((storage, writes, last));
    barrier.wait();
    held.await.unwrap().unwrap();
    assert_eq!(over.recv().await, None);
    let storage = database.storage(&THINGS).await;
    assert_eq!(count(&storage).await, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_writes_what_is_queued() {
    let database = Database::sqlite();
    let storage = database.storage(&THINGS).await;
    let (barrier, held) = hold(&storage);
    barrier.wait();
    let writes = queued(&storage, 5).await;
    let closing = tokio::spawn({
        let storage = storage.clone();
        async move { storage.close().await }
    });
    barrier.wait();
    closing.await.unwrap();
    held.await.unwrap().unwrap();
    for write in writes {
        write.await.unwrap();
    }
}

/// Two connections that close at once are neither the last: the log would stay beside the file, and
/// whoever copies the file alone would miss what is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_leaves_no_log_beside_the_file() {
    for round in 0..40 {
        let database = Database::sqlite();
        let storage = database.storage(&THINGS).await;
        let (one, other) = tokio::join!(storage.reader(), storage.reader());
        drop((one.unwrap(), other.unwrap()));
        for write in queued(&storage, 1).await {
            write.await.unwrap();
        }
        storage.close().await;
        let mut log = database.url.file().unwrap().as_os_str().to_owned();
        log.push("-wal");
        assert!(!std::path::Path::new(&log).exists(), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_awaits_something_else_is_refused() {
    let database = Database::sqlite();
    let storage = database.storage(&THINGS).await;
    let refused: Result<(), Error> = storage
        .write((), |tx, ()| {
            Box::pin(async move {
                insert(tx, "a").await?;
                tokio::task::yield_now().await;
                insert(tx, "b").await
            })
        })
        .await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(count(&storage).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_is_waited_for_but_not_for_ever() {
    let database = Database::sqlite();
    let options = Options {
        busy_timeout: Duration::from_millis(30),
        ..Options::default()
    };
    let impatient = database.storage_with(&THINGS, options).await;
    let patient = database.storage(&THINGS).await;
    let other = rusqlite::Connection::open(database.url.file().unwrap()).unwrap();
    other
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO things (id, count) VALUES ('other', 0)")
        .unwrap();
    let refused: Result<(), Error> = impatient
        .write((), |tx, ()| Box::pin(insert(tx, "impatient")))
        .await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    let waiting = queued(&patient, 1).await;
    other.execute_batch("COMMIT").unwrap();
    for write in waiting {
        write.await.unwrap();
    }
    assert_eq!(count(&impatient).await, 2);
}

#[test]
fn the_file_is_readable_by_nobody_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("a.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = DatabaseUrl::sqlite(&path);
        let storage = Storage::open(&url, &THINGS, Options::default())
            .await
            .unwrap();
        storage.prepare_schema().await.unwrap();
        let written: Result<(), Error> =
            storage.write((), |tx, ()| Box::pin(insert(tx, "a"))).await;
        written.unwrap();
        for (path, mode) in [
            (path.clone(), 0o600),
            (path.with_extension("db-wal"), 0o600),
            (folder.path().join("data"), 0o700),
        ] {
            let found = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode);
        }
    });
}
