//! Where a database is. Prints without its password.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use sqlx::postgres::PgConnectOptions;

/// Where a database is: `sqlite:PATH` or `postgres://…`.
#[derive(Clone)]
pub struct DatabaseUrl(Place);

#[derive(Clone)]
pub(super) enum Place {
    Sqlite(PathBuf),
    Postgres {
        options: Box<PgConnectOptions>,
        shown: String,
    },
}

/// Text that is not a database URL. It is not repeated, since it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDatabaseUrlError {
    /// Neither scheme.
    #[error("a database URL is `sqlite:PATH` or `postgres://USER@HOST/DATABASE`")]
    Scheme,
    /// No path, or one that is no file.
    #[error("`sqlite:` needs the path of a file")]
    Path,
    /// What looks like a password that is cut off where the URL has a meaning of its own.
    #[error(
        "in a postgres URL, `@ : / ? # %` of a user or password are percent-encoded (@ is %40)"
    )]
    Encoding,
    /// Not a URL, or one with an unknown option.
    #[error("the postgres URL is malformed")]
    Postgres,
}

impl DatabaseUrl {
    /// The SQLite database in the file at `path`.
    #[must_use]
    pub fn sqlite(path: &Path) -> Self {
        Self(Place::Sqlite(path.to_owned()))
    }

    /// The file, if the database is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Place::Sqlite(path) => Some(path),
            Place::Postgres { .. } => None,
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    type Err = ParseDatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, ParseDatabaseUrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            // A database in memory belongs to one connection, and we have several.
            if path.is_empty() || path.starts_with(':') || path.contains(['?', '\0']) {
                return Err(ParseDatabaseUrlError::Path);
            }
            return Ok(Self(Place::Sqlite(PathBuf::from(path))));
        }
        if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
            return Err(ParseDatabaseUrlError::Scheme);
        }
        if text.matches('@').count() > 1 || text.contains('#') {
            return Err(ParseDatabaseUrlError::Encoding);
        }
        let mut url = url::Url::parse(text).map_err(|_| ParseDatabaseUrlError::Postgres)?;
        let options = text
            .parse::<PgConnectOptions>()
            .map_err(|_| ParseDatabaseUrlError::Postgres)?;
        // Options in the query may be secret too (`password`, `sslkey`).
        url.set_query(None);
        url.set_fragment(None);
        if url.password().is_some() && url.set_password(Some("***")).is_err() {
            return Err(ParseDatabaseUrlError::Postgres);
        }
        Ok(Self(Place::Postgres {
            options: Box::new(options),
            shown: url.into(),
        }))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Place::Postgres { shown, .. } => f.write_str(shown),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, ParseDatabaseUrlError> {
        text.parse::<DatabaseUrl>().map(|url| url.to_string())
    }

    #[test]
    fn a_password_is_not_shown() {
        let url =
            "postgres://tongxing:p%40ss@db.example:6432/tongxing?password=other&sslmode=disable";
        let parsed: DatabaseUrl = url.parse().unwrap();
        assert_eq!(
            parsed.to_string(),
            "postgres://tongxing:***@db.example:6432/tongxing"
        );
        assert_eq!(format!("{parsed:?}"), parsed.to_string());
    }

    #[test]
    fn a_password_that_is_not_encoded_is_not_taken_for_a_host() {
        for text in [
            "postgres://tongxing:p@ss/w:rd@db.example/tongxing",
            "postgres://tongxing:p?ss@x@db.example/tongxing",
            "postgres://tongxing:p#ss@db.example/tongxing",
        ] {
            assert_eq!(shown(text), Err(ParseDatabaseUrlError::Encoding), "{text}");
        }
    }

    #[test]
    fn a_path_is_a_file() {
        assert_eq!(shown("sqlite:data/a.db"), Ok("sqlite:data/a.db".to_owned()));
        assert_eq!(
            shown("sqlite:///srv/a.db"),
            Ok("sqlite:/srv/a.db".to_owned())
        );
        for text in ["sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro"] {
            assert_eq!(shown(text), Err(ParseDatabaseUrlError::Path), "{text}");
        }
    }

    #[test]
    fn other_schemes_are_refused() {
        for text in ["", "mysql://x", "a.db", "postgres:x"] {
            assert_eq!(shown(text), Err(ParseDatabaseUrlError::Scheme), "{text}");
        }
        assert_eq!(
            shown("postgres://x/y?sslmode=perhaps"),
            Err(ParseDatabaseUrlError::Postgres)
        );
    }
}
