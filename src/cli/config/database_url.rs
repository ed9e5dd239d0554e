//! Where a database is: a SQLite file or a PostgreSQL server.

use std::path::PathBuf;

use url::Url;

use crate::domain::secret::Secret;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`
    Sqlite(PathBuf),
    /// `postgres://…`; it may carry a password.
    Postgres(Secret<String>),
}

impl DatabaseUrl {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            // `sqlite://PATH` is what other software writes.
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err("must name a file: sqlite:PATH".to_owned()),
                // Several threads read: an in-memory database is one for each connection.
                ":memory:" => Err("must name a file: in-memory databases are refused".to_owned()),
                path if path.contains('?') => Err("takes no parameters: sqlite:PATH".to_owned()),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        let url = Url::parse(text).map_err(|_| "must be sqlite:PATH or postgres://…".to_owned())?;
        match url.scheme() {
            "postgres" | "postgresql" => Ok(Self::Postgres(Secret::new(text.to_owned()))),
            _ => Err("must be sqlite:PATH or postgres://…".to_owned()),
        }
    }
}
