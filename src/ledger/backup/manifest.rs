//! The manifest: what a backup is of, and what its files must be. Written last, sealed by the master
//! key, so that neither half a backup nor a changed one is taken for one.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::BackupError;
use super::files::{TableFile, write_new};
use crate::crypto::custody::MasterKey;
use crate::crypto::digest::{equal, sha256};
use crate::domain::entropy::Entropy;
use crate::domain::instant::Instant;

const FILE: &str = "manifest.json";
/// What the file is called while it is written.
const DRAFT: &str = "manifest.json.unfinished";
const FORMAT: u32 = 1;
/// What the master key's seal is for.
const SEAL: &str = "backup manifest";

/// Which database a folder is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The main one.
    Main,
    /// The key store's.
    Vault,
}

/// What a folder of a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// Which database.
    pub part: Part,
    /// The release that made it.
    pub release: String,
    /// The number of the last migration.
    pub schema: i64,
    /// Whose.
    pub issuer: String,
    /// The name of the key store that belongs to it.
    pub vault: String,
    /// The fingerprint of the master key.
    pub master_key: String,
    /// Which moment it shows, in Unix milliseconds.
    pub taken_at: Instant,
    /// The numbers of the change feed's lanes at that moment.
    pub lanes: Vec<i64>,
    /// Its files.
    pub files: Vec<TableFile>,
    seal: String,
}

/// Whose backup it is, for both of its parts.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) issuer: String,
    pub(super) vault: String,
    pub(super) taken_at: Instant,
    pub(super) lanes: Vec<i64>,
}

impl Manifest {
    pub(super) fn new(
        (part, schema): (Part, i64),
        origin: &Origin,
        master: &MasterKey,
        files: Vec<TableFile>,
    ) -> Self {
        let origin = origin.clone();
        Self {
            format: FORMAT,
            part,
            release: env!("CARGO_PKG_VERSION").to_owned(),
            schema,
            issuer: origin.issuer,
            vault: origin.vault,
            master_key: master.fingerprint(),
            taken_at: origin.taken_at,
            lanes: origin.lanes,
            files,
            seal: String::new(),
        }
    }

    /// Seals and writes it, the last thing of all.
    pub(super) fn write(
        mut self,
        folder: &Path,
        (master, entropy): (&MasterKey, &dyn Entropy),
    ) -> Result<(), BackupError> {
        let (draft, path) = (folder.join(DRAFT), folder.join(FILE));
        self.seal = master.seal(SEAL, &self.digest(&path)?, entropy)?;
        let mut text = serde_json::to_string_pretty(&self)
            .map_err(|_| BackupError::damaged(&path, "it cannot be written as JSON"))?;
        text.push('\n');
        write_new(&draft, text.as_bytes())?;
        fs::rename(&draft, &path).map_err(BackupError::file(&path))?;
        super::files::sync_folder(folder)
    }

    /// Reads that of a folder, if the master key vouches for it.
    pub(super) fn read(folder: &Path, part: Part, master: &MasterKey) -> Result<Self, BackupError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let path = folder.join(FILE);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(BackupError::Unfinished(folder.to_owned()));
            }
            read => read.map_err(BackupError::file(&path))?,
        };
        let damaged = |_| BackupError::damaged(&path, "it is no manifest");
        let Format { format } = serde_json::from_slice(&text).map_err(damaged)?;
        if format > FORMAT {
            return Err(BackupError::NewerFormat(folder.to_owned()));
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(damaged)?;
        let digest = manifest.digest(&path)?;
        match master.open(SEAL, &manifest.seal) {
            Some(sealed) if equal(&sealed, &digest) && manifest.part == part => Ok(manifest),
            Some(_) => Err(BackupError::damaged(&path, "its seal is of another")),
            None if manifest.master_key != master.fingerprint() => {
                Err(BackupError::OtherMasterKey {
                    made: manifest.master_key,
                    given: master.fingerprint(),
                })
            }
            None => Err(BackupError::damaged(&path, "its seal does not open")),
        }
    }

    /// Of everything but the seal.
    fn digest(&self, path: &Path) -> Result<[u8; 32], BackupError> {
        let bare = Self {
            seal: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&bare)
            .map_err(|_| BackupError::damaged(path, "it cannot be written as JSON"))?;
        Ok(sha256(&[&text]))
    }
}
