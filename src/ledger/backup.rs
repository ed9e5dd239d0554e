//! Backups: the whole of an installation as files, and back into an empty database of either
//! engine.
//!
//! What is sealed or wrapped stays so: a backup holds nothing that the databases do not. The key
//! store's part lies in a folder of its own, to be kept apart and not for long, since a removed
//! account is opened by the key that is in it. Nothing is written before every file was found to be
//! what the manifest says, and the manifest what the master key vouches for.

mod files;
mod finish;
mod load;
mod manifest;
mod rekey;
mod save;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

pub use finish::{finish, void_before};
pub use load::{Gaps, KeyStore, Loaded, Verified, refuse_half_restored};
pub use manifest::{Manifest, Part};
pub use rekey::{Rekeyed, rekey};

use crate::crypto::PrimitiveError;
use crate::crypto::custody::MasterKey;
use crate::domain::clock::Clock;
use crate::domain::entropy::Entropy;
use crate::domain::instant::Instant;
use crate::storage::database::OpenError;
use crate::storage::{self, Storage};

/// The folder of the key store's part.
pub const VAULT_FOLDER: &str = "vault";

/// What backups are made of and restored into.
#[derive(Clone)]
pub struct Backups {
    /// The main database, migrated.
    pub main: Storage,
    /// The key store's database, migrated.
    pub vault: Storage,
    /// What vouches for a manifest.
    pub master: Arc<MasterKey>,
    /// The name of the installation.
    pub issuer: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// What a backup holds.
#[derive(Debug, Clone, Serialize)]
pub struct Saved {
    /// The state of which moment it is (RFC 3339).
    pub taken_at: String,
    /// Rows of the main database.
    pub rows: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Keys of the key store.
    pub bucket_keys: u64,
}

/// Why a backup was not made or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A database does not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// A database's schema could not be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A folder that has something in it.
    #[error("{0} is not empty: name a folder that is, or that does not exist")]
    FolderInUse(PathBuf),
    /// No manifest: the last file is missing.
    #[error("{0} is no backup, or one that was not finished: it has no manifest.json")]
    Unfinished(PathBuf),
    /// A later release made it.
    #[error("{0} was made by a later release: use that one")]
    NewerFormat(PathBuf),
    /// Of a schema that this release does not know.
    #[error("the {what} has schema {found}, this release knows {known}: use the one that made it")]
    NewerSchema {
        /// A backup or a database.
        what: &'static str,
        /// Its schema.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// Another master key made it.
    #[error("the backup was made under the master key {made}, this one is {given}")]
    OtherMasterKey {
        /// The fingerprint of the one it was made under.
        made: String,
        /// The fingerprint of the one at hand.
        given: String,
    },
    /// Of another installation.
    #[error("the backup is of the issuer {found}, not of {asked}: set server.issuer to {found}")]
    OtherIssuer {
        /// Its issuer.
        found: String,
        /// The issuer that was configured.
        asked: String,
    },
    /// Of another installation's key store.
    #[error("the key store is not the one that the backup belongs to")]
    OtherVault,
    /// Not what was written.
    #[error("{path} is not what was written: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A database that has something in it.
    #[error(
        "the database is not empty (table {0}): restore into one that has only been migrated, or \
         into none"
    )]
    DatabaseInUse(&'static str),
    /// A database that a restore has left unfinished.
    #[error("the database is half restored: begin again with an empty one")]
    HalfRestored,
    /// A database that has all rows, and perhaps what was taken away since.
    #[error(
        "the database is restored, but not all that was taken away since is taken away again: \
         `tongxing restore --replay` goes on, with the folder of the backup if it is there"
    )]
    Replaying,
    /// The key store is empty, and the backup has nothing to fill it with.
    #[error("the key store is empty, and {0} is missing: without its keys nobody can be opened")]
    NoVault(PathBuf),
    /// The journal of takeaways does not reach back to it.
    #[error(
        "not all that was taken away since {0} is known: restore with --despite-gaps, and look \
         through the audit log for what is to be taken away again"
    )]
    Gaps(Instant),
    /// The manifest could not be sealed.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
}

impl BackupError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }

    fn damaged(path: &Path, why: &'static str) -> Self {
        let path = path.to_owned();
        Self::Damaged { path, why }
    }
}

impl Backups {
    fn now(&self) -> Instant {
        self.clock.now()
    }
}
