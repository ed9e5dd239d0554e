//! Puts a backup into empty databases.
//!
//! First all of it is read and held against its manifest. Then the database is marked as half
//! restored, and filled; whoever serves refuses it until the mark is gone, which is for the last
//! step of a restore. The key store is one transaction, so that it is whole or not there.

use std::path::{Path, PathBuf};

use super::files::{RowReader, TableFile};
use super::manifest::{Manifest, Part};
use super::{BackupError, Backups, VAULT_FOLDER};
use crate::crypto::custody::MasterKey;
use crate::ledger::journal::covers;
use crate::storage::backup::{self, Carriage, Datum, Insertion, Table};
use crate::storage::migrations::{MAIN, VAULT};
use crate::storage::vault::BucketKeyRow;
use crate::storage::vault_journal::{self, JournalLane};
use crate::storage::{Error, Reader, Storage, vault};

/// Rows written in one transaction.
const PAGE: usize = 1_000;
const VAULT_ID: &str = "id";
const BUCKET_KEYS: &str = "bucket_keys";
/// The mark while rows are being written.
const LOADING: &str = "loading";

/// What became of the key store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStore {
    /// It was there: it has the newer keys, and none that were deleted.
    Kept,
    /// It was empty, and has the backup's keys now.
    Restored,
}

/// What a database was filled with.
#[derive(Debug)]
pub struct Loaded {
    /// What became of the key store.
    pub key_store: KeyStore,
    /// How many rows.
    pub rows: u64,
}

/// What is done about takeaways that the journal does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// Nothing is restored.
    Refused,
    /// They count again.
    Accepted,
}

/// A backup that was found to be what its manifests say.
#[derive(Debug)]
pub struct Verified {
    folder: PathBuf,
    main: Contents,
    vault: Option<Contents>,
}

/// A folder that was found to be what its manifest says.
#[derive(Debug)]
struct Contents {
    manifest: Manifest,
    /// Its files, in an order in which their rows may be inserted.
    files: Vec<(Insertion, TableFile)>,
}

/// Refuses a database on which a restore has begun and not ended.
pub async fn refuse_half_restored(storage: &Storage) -> Result<(), BackupError> {
    refuse(&mut storage.reader().await?).await
}

async fn refuse(reader: &mut Reader) -> Result<(), BackupError> {
    match backup::restoring(reader).await?.as_deref() {
        None => Ok(()),
        Some(LOADING) => Err(BackupError::HalfRestored),
        Some(_) => Err(BackupError::Replaying),
    }
}

impl Verified {
    /// Reads all of a backup, holds it against what the master key vouches for, and changes nothing.
    pub fn read(folder: &Path, master: &MasterKey, issuer: &str) -> Result<Self, BackupError> {
        let main = Contents::read(folder, Part::Main, (master, issuer))?;
        let vault_folder = folder.join(VAULT_FOLDER);
        let vault = if vault_folder.exists() {
            Some(Contents::read(
                &vault_folder,
                Part::Vault,
                (master, issuer),
            )?)
        } else {
            None
        };
        let other = |vault: &Contents| vault.manifest.vault != main.manifest.vault;
        if vault.as_ref().is_some_and(other) {
            return Err(BackupError::OtherVault);
        }
        Ok(Self {
            folder: folder.to_owned(),
            main,
            vault,
        })
    }

    /// What it says of itself.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.main.manifest
    }

    /// Its bucket keys, where it has them: accounts may lie under some that the key store has no
    /// more.
    pub fn bucket_keys(&self) -> Result<Vec<BucketKeyRow>, BackupError> {
        let folder = self.folder.join(VAULT_FOLDER);
        let files = self.vault.iter().flat_map(|vault| &vault.files);
        let mut keys = files.filter(|(_, file)| file.table == BUCKET_KEYS);
        keys.next()
            .map_or_else(|| Ok(Vec::new()), |(_, file)| read_keys(&folder, file))
    }
}

impl Contents {
    fn read(
        folder: &Path,
        part: Part,
        (master, issuer): (&MasterKey, &str),
    ) -> Result<Self, BackupError> {
        let manifest = Manifest::read(folder, part, master)?;
        if manifest.issuer != issuer {
            return Err(BackupError::OtherIssuer {
                found: manifest.issuer,
                asked: issuer.to_owned(),
            });
        }
        let (tables, known) = match part {
            Part::Main => (backup::MAIN, MAIN.newest()),
            Part::Vault => (backup::VAULT, VAULT.newest()),
        };
        if manifest.schema > known {
            return Err(BackupError::NewerSchema {
                what: "backup",
                found: manifest.schema,
                known,
            });
        }
        for file in &manifest.files {
            RowReader::open(folder, file)?.verify()?;
        }
        let mut files = Vec::new();
        for table in tables {
            files.extend(insertion(folder, table, &manifest)?);
        }
        if files.len() != manifest.files.len() {
            let why = "it has a table that this release does not restore";
            return Err(BackupError::damaged(folder, why));
        }
        Ok(Self { manifest, files })
    }
}

impl Backups {
    /// Fills the databases with a backup. What was taken away since is still to be taken away
    /// again, and the mark to be removed.
    pub async fn load(&self, backup: &Verified, gaps: Gaps) -> Result<Loaded, BackupError> {
        let manifest = backup.manifest();
        check_empty(&mut self.main.reader().await?).await?;
        let found = vault::fact(&mut self.vault.reader().await?, VAULT_ID).await?;
        let key_store = match found {
            Some(id) if id == manifest.vault => KeyStore::Kept,
            Some(_) => return Err(BackupError::OtherVault),
            None => KeyStore::Restored,
        };
        match (key_store, &backup.vault) {
            (KeyStore::Restored, None) => {
                return Err(BackupError::NoVault(backup.folder.join(VAULT_FOLDER)));
            }
            (KeyStore::Restored, Some(_)) => {}
            (KeyStore::Kept, _) => {
                let then = manifest.taken_at;
                let covers = covers(&self.vault, &manifest.lanes, (then, self.now())).await?;
                if gaps == Gaps::Refused && !covers {
                    return Err(BackupError::Gaps(then));
                }
            }
        }
        begin(&self.main).await?;
        if let (Some(vault), KeyStore::Restored) = (&backup.vault, key_store) {
            self.fill_vault(&backup.folder.join(VAULT_FOLDER), vault)
                .await?;
        }
        let mut rows = 0;
        for (insertion, file) in &backup.main.files {
            fill(&self.main, insertion, (&backup.folder, file)).await?;
            rows += file.rows;
        }
        Ok(Loaded { key_store, rows })
    }

    /// With its journal, which begins where the backup ends.
    async fn fill_vault(&self, folder: &Path, vault: &Contents) -> Result<(), BackupError> {
        let mut all = Vec::new();
        for (insertion, file) in &vault.files {
            all.push((insertion.clone(), read_all(folder, file)?));
        }
        let lanes: Vec<JournalLane> = (0..)
            .zip(&vault.manifest.lanes)
            .map(|(lane, &seq)| JournalLane {
                lane,
                seq,
                covered_from: seq,
            })
            .collect();
        let filled: Result<(), Error> = self
            .vault
            .write((all, lanes), |tx, (all, lanes)| {
                Box::pin(async move {
                    for (insertion, rows) in all {
                        insertion.put(tx, rows).await?;
                    }
                    for lane in lanes {
                        vault_journal::advance(tx, *lane).await?;
                    }
                    Ok(())
                })
            })
            .await;
        Ok(filled?)
    }
}

/// How rows of a table are inserted, and which file they are in; nothing if the backup is older
/// than the table.
fn insertion(
    folder: &Path,
    table: &'static Table,
    manifest: &Manifest,
) -> Result<Option<(Insertion, TableFile)>, BackupError> {
    let mut files = manifest.files.iter();
    let found = files.find(|file| file.table == table.name);
    let Some(file) = found.filter(|_| table.carriage != Carriage::Left) else {
        return Ok(None);
    };
    let insertion = Insertion::of(table, &file.columns);
    let why = "it has a column that this release does not know";
    let insertion = insertion.ok_or_else(|| BackupError::damaged(folder, why))?;
    Ok(Some((insertion, file.clone())))
}

/// Only a database without a row is filled.
async fn check_empty(reader: &mut Reader) -> Result<(), BackupError> {
    refuse(reader).await?;
    for table in backup::MAIN {
        let is_ours = table.carriage == Carriage::Advanced;
        if !is_ours && !backup::is_empty(reader, table).await? {
            return Err(BackupError::DatabaseInUse(table.name));
        }
    }
    Ok(())
}

async fn begin(storage: &Storage) -> Result<(), BackupError> {
    let begun: Result<bool, Error> = storage
        .write((), |tx, ()| {
            Box::pin(async move { backup::begin_restoring(tx, LOADING).await })
        })
        .await;
    if begun? {
        Ok(())
    } else {
        Err(BackupError::HalfRestored)
    }
}

async fn fill(
    storage: &Storage,
    insertion: &Insertion,
    (folder, file): (&Path, &TableFile),
) -> Result<(), BackupError> {
    let mut reader = RowReader::open(folder, file)?;
    loop {
        let mut rows = Vec::new();
        while rows.len() < PAGE {
            let Some(row) = reader.next_row()? else { break };
            if !insertion.admits(&row) {
                return Err(reader.damaged("a row does not fit its table"));
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let written: Result<(), Error> = storage
            .write((insertion.clone(), rows), |tx, (insertion, rows)| {
                Box::pin(async move { insertion.put(tx, rows).await })
            })
            .await;
        written?;
    }
}

fn read_all(folder: &Path, file: &TableFile) -> Result<Vec<Vec<Datum>>, BackupError> {
    let mut reader = RowReader::open(folder, file)?;
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row()? {
        rows.push(row);
    }
    Ok(rows)
}

fn read_keys(folder: &Path, file: &TableFile) -> Result<Vec<BucketKeyRow>, BackupError> {
    let place = |name: &str| file.columns.iter().position(|column| column == name);
    let (bucket, version, wrapped) = (place("bucket"), place("version"), place("wrapped"));
    let rows = read_all(folder, file)?.into_iter();
    let read = rows.map(|row| {
        let datum = |at: Option<usize>| at.and_then(|at| row.get(at));
        match (datum(bucket), datum(version), datum(wrapped)) {
            (
                Some(Datum::Integer(bucket)),
                Some(Datum::Integer(version)),
                Some(Datum::Text(wrapped)),
            ) => Some(BucketKeyRow {
                bucket: *bucket,
                version: *version,
                wrapped: wrapped.clone(),
            }),
            _ => None,
        }
    });
    let read: Option<Vec<BucketKeyRow>> = read.collect();
    read.ok_or_else(|| BackupError::damaged(folder, "a bucket key is none"))
}
