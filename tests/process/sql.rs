//! The databases from outside, by SQL: what an intruder could read and change.

use std::fs;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::installation::Installation;

impl Installation {
    /// Executes statements in the main database behind the program's back.
    pub(crate) async fn execute(&self, sql: &str) {
        match self.postgres_urls().first() {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let statements = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
                connection.execute(statements).await.unwrap();
            }
            None => self.sqlite_connection().execute_batch(sql).unwrap(),
        }
    }

    /// The number that a query of the main database yields.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        match self.postgres_urls().first() {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
                connection.fetch_one(query).await.unwrap().get(0)
            }
            None => (self.sqlite_connection())
                .query_row(sql, [], |row| row.get(0))
                .unwrap(),
        }
    }

    /// The text that a query of the main database yields.
    pub(crate) async fn text(&self, sql: &str) -> String {
        match self.postgres_urls().first() {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
                connection.fetch_one(query).await.unwrap().get(0)
            }
            None => (self.sqlite_connection())
                .query_row(sql, [], |row| row.get(0))
                .unwrap(),
        }
    }

    fn sqlite_connection(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path("tongxing.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection
    }

    /// Every byte of both databases: the files, or the rows of all tables.
    pub(crate) async fn everything_stored(&self) -> Vec<(String, Vec<u8>)> {
        let mut stored = Vec::new();
        for url in self.postgres_urls() {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let tables = "SELECT table_name::text FROM information_schema.tables \
                 WHERE table_schema = 'public'";
            for table in connection.fetch_all(tables).await.unwrap() {
                let table: String = table.get(0);
                let rows = format!("SELECT t::text FROM \"{table}\" t");
                let query = sqlx::query(AssertSqlSafe(rows));
                for row in connection.fetch_all(query).await.unwrap() {
                    let row: String = row.get(0);
                    stored.push((format!("table {table}"), row.into_bytes()));
                }
            }
        }
        for entry in fs::read_dir(self.folder()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            // SQLite's own: `-wal` and `-shm` too.
            if name.contains(".db") {
                stored.push((name, fs::read(path).unwrap()));
            }
        }
        stored
    }
}
