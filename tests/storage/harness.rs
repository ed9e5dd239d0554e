//! Each fact is tried on each engine, on a database of its own.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tongxing::storage::Storage;
use tongxing::storage::database::{DatabaseUrl, Migration, Migrations, Options};

use crate::postgres::{PostgresDatabase, postgres_database};

/// An empty database, gone with this value.
pub(crate) struct Database {
    pub(crate) url: DatabaseUrl,
    place: Place,
}

enum Place {
    Sqlite { _folder: tempfile::TempDir },
    Postgres(PostgresDatabase),
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: DatabaseUrl::sqlite(&folder.path().join("test.db")),
            place: Place::Sqlite { _folder: folder },
        }
    }

    /// `None` when told to do without PostgreSQL.
    pub(crate) async fn postgres() -> Option<Self> {
        let database = postgres_database().await?;
        Some(Self {
            url: database.url.parse().unwrap(),
            place: Place::Postgres(database),
        })
    }

    /// What sqlx connects to, on PostgreSQL.
    pub(crate) fn postgres_url(&self) -> Option<&str> {
        match &self.place {
            Place::Sqlite { .. } => None,
            Place::Postgres(database) => Some(&database.url),
        }
    }

    /// Its name, on PostgreSQL.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.place {
            Place::Sqlite { .. } => None,
            Place::Postgres(database) => Some(&database.name),
        }
    }

    /// Opened and migrated.
    pub(crate) async fn storage(&self, migrations: &'static Migrations) -> Storage {
        self.storage_with(migrations, Options::default()).await
    }

    pub(crate) async fn storage_with(
        &self,
        migrations: &'static Migrations,
        options: Options,
    ) -> Storage {
        let storage = Storage::open(&self.url, migrations, options).await.unwrap();
        storage.migrate().await.unwrap();
        storage
    }
}

/// `on_both! { async fn a_fact(database: &Database) { … } }`: a test for each engine.
macro_rules! on_both {
    ($($(#[$attribute:meta])* async fn $name:ident($database:ident: &Database) $body:block)*) => {$(
        mod $name {
            use super::*;

            $(#[$attribute])*
            async fn fact($database: &Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                fact(&Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                if let Some(database) = Database::postgres().await {
                    fact(&database).await;
                }
            }
        }
    )*};
}
pub(crate) use on_both;

/// A table to try the executor with.
pub(crate) static THINGS: Migrations = Migrations::new(
    "main",
    1,
    &[Migration::new(
        "0001_things",
        "CREATE TABLE things (id TEXT PRIMARY KEY, owner TEXT, count BIGINT NOT NULL, open BOOLEAN);",
    )],
);

/// Spawns `count` tasks and gathers what they return.
pub(crate) async fn race<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    task: impl Fn(usize) -> F,
) -> Vec<T> {
    let start = Arc::new(tokio::sync::Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|index| {
            let (start, task) = (Arc::clone(&start), task(index));
            tokio::spawn(async move {
                start.wait().await;
                task.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// Starts a future and lets it go as far as it can at once.
pub(crate) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}
