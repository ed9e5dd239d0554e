//! SQLite: one writer thread, and readers whose statements run on the calling thread.
//!
//! WAL lets readers go on while the writer writes; `synchronous=FULL` makes each COMMIT durable.
//! A second process (the command line) may write at the same time and is waited for.

mod queue;
mod statement;
mod writer;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{ErrorCode, OpenFlags};
use tokio::sync::{oneshot, watch};

use self::queue::Queue;
pub(super) use self::statement::{Cells, Connection};
use self::writer::Writer;
use super::error::{Error, Failure, Fault, table_of};
use super::job::Job;
use super::pool::{Lease, Pool, PoolLoad};
use super::{Options, Reader, Transaction};

pub(super) struct Engine {
    path: PathBuf,
    options: Options,
    readers: Arc<Pool<Connection>>,
    queue: Arc<Queue>,
    /// Its sender belongs to the writer's thread and ends with it.
    writing: watch::Receiver<()>,
}

impl Engine {
    pub(super) fn open(path: &Path, options: &Options) -> Result<Self, Error> {
        create(path)?;
        let connection = connect(path, options, Access::Write)?;
        let queue = Queue::new(options.queue);
        let (running, writing) = watch::channel(());
        let writer = Writer::new(
            Transaction::sqlite(connection),
            Arc::clone(&queue),
            options.batch,
        );
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                writer.run();
                drop(running);
            })
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            options: options.clone(),
            readers: Pool::new(options.connections, options.pool_wait),
            queue,
            writing,
        })
    }

    pub(super) async fn reader(&self) -> Result<Lease<Connection>, Error> {
        self.readers
            .take(async || connect(&self.path, &self.options, Access::Read))
            .await
    }

    /// How busy its readers are, and how many writes wait.
    pub(super) fn load(&self) -> (PoolLoad, usize) {
        (self.readers.load(), self.queue.len())
    }

    pub(super) fn dedicated_reader(&self) -> Result<Reader, Error> {
        let connection = connect(&self.path, &self.options, Access::Read)?;
        Ok(Reader::sqlite(Lease::own(connection)))
    }

    /// The first statement fixes what all see.
    pub(super) fn snapshot(&self) -> Result<Reader, Error> {
        let unavailable = |error: &rusqlite::Error| Error::Unavailable(message(error));
        let mut connection = connect(&self.path, &self.options, Access::Read)?;
        connection
            .command("BEGIN")
            .map_err(|error| unavailable(&error))?;
        let looked = connection.fetch("SELECT 1 AS one FROM sqlite_master LIMIT 1", &[], drop);
        looked.map_err(|failed| failed.error)?;
        Ok(Reader::sqlite(Lease::own(connection)))
    }

    /// Queues a write; its answer goes to its caller.
    pub(super) fn write(&self, job: Box<dyn Job>) -> Result<(), Error> {
        self.queue.push(job)
    }

    /// Moves the log into the file, in whose pages nothing deleted is left, and empties the log.
    pub(super) async fn scrub(&self) -> Result<(), Error> {
        /// SQLite waits for readers and writers, but not for another checkpoint under way.
        const PAUSE: Duration = Duration::from_millis(20);
        const ATTEMPTS: u32 = 50;
        for _ in 0..ATTEMPTS {
            if self.empty_log().await? {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Error::Unavailable("the log is in use".to_owned()))
    }

    /// Whether the log is empty now. A thread of its own waits for those that use it.
    async fn empty_log(&self) -> Result<bool, Error> {
        let (path, options) = (self.path.clone(), self.options.clone());
        let (answer, answered) = oneshot::channel();
        std::thread::Builder::new()
            .name("sqlite-scrub".to_owned())
            .spawn(move || {
                // Who asked may have gone away.
                let _ = answer.send(empty_log(&path, &options));
            })
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let emptied = answered.await;
        emptied
            .map_err(|_| Error::panicked())?
            .map_err(|error| Error::Unavailable(message(&error)))
    }

    /// Refuses new work, finishes the writes that are queued, and waits until they are on disk. The
    /// writer's connection is closed last, and alone: of two that close at once neither is the last,
    /// which moves the log into the file.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.queue.close();
        let mut writing = self.writing.clone();
        // An error says that the writer's thread has ended.
        while writing.changed().await.is_ok() {}
    }
}

/// The writer finishes what is queued, then ends.
impl Drop for Engine {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// What a connection may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// The file and its folder, readable by nobody else. SQLite gives its other files the same mode.
pub(super) fn create(path: &Path) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::Unavailable(error.to_string());
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
    }
    // A file that is there is not opened, not even for a moment: closing any descriptor of it drops
    // every lock that this process holds on it (POSIX fcntl), and SQLite's are among them.
    let created = OpenOptions::new()
        .create_new(true)
        .append(true)
        .mode(0o600)
        .open(path);
    match created {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop).map_err(failed),
    }
}

fn connect(path: &Path, options: &Options, access: Access) -> Result<Connection, Error> {
    open(path, options, access)
        .map(Connection::new)
        .map_err(|error| Error::Unavailable(message(&error)))
}

fn open(path: &Path, options: &Options, access: Access) -> rusqlite::Result<rusqlite::Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let raw = rusqlite::Connection::open_with_flags(path, flags)?;
    raw.busy_timeout(options.busy_timeout)?;
    raw.set_prepared_statement_cache_capacity(512);
    // Plans go by the statement alone. Else SQLite compiles some anew for every bound value.
    raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    raw.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
        let mode: String = row.get(0)?;
        // Some file systems have no shared memory: without WAL readers would block the writer.
        if mode == "wal" {
            Ok(())
        } else {
            Err(rusqlite::Error::InvalidQuery)
        }
    })?;
    raw.pragma_update(None, "synchronous", "FULL")?;
    raw.pragma_update(None, "foreign_keys", true)?;
    // Savepoints of a batch keep their journals in memory.
    raw.pragma_update(None, "temp_store", "MEMORY")?;
    match access {
        Access::Read => raw.pragma_update(None, "query_only", true)?,
        Access::Write => {
            // What is deleted is overwritten, not only forgotten.
            raw.pragma_update(None, "secure_delete", true)?;
            // 16 MiB of log between checkpoints: seldom enough for the disk, small to recover.
            raw.pragma_update(None, "wal_autocheckpoint", 4096)?;
            raw.pragma_update(None, "journal_size_limit", 64 << 20)?;
            raw.pragma_update(None, "cache_size", -16384)?;
        }
    }
    Ok(raw)
}

fn empty_log(path: &Path, options: &Options) -> rusqlite::Result<bool> {
    let raw = open(path, options, Access::Write)?;
    let is_busy: bool = raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(!is_busy)
}

/// SQLite's messages name tables and columns, never values.
pub(super) fn message(error: &rusqlite::Error) -> String {
    if let rusqlite::Error::SqliteFailure(_, Some(message)) = error {
        return message.clone();
    }
    error.to_string()
}

/// What a failed statement means.
pub(super) fn failure(error: &rusqlite::Error, sql: &'static str) -> Failure {
    let text = message(error);
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::OperationInterrupted
            | ErrorCode::OperationAborted
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase,
        ) => Failure {
            fault: Fault::Lost,
            error: Error::Unavailable(text),
        },
        _ => Failure {
            fault: Fault::Refused,
            error: Error::Refused(format!("{}: {text}", table_of(sql))),
        },
    }
}
