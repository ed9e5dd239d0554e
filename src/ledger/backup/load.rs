//! Puts a backup into empty databases.
//!
//! First all of it is read and held against its manifest. Then the database is marked as half
//! restored, and filled; whoever serves refuses it until the mark is gone, which is for the last
//! step of a restore. The key store is one transaction, so that it is whole or not there.

use std::path::Path;

use super::files::{RowReader, TableFile};
use super::manifest::{Manifest, Part};
use super::{BackupError, Backups, VAULT_FOLDER};
use crate::storage::backup::{self, Carriage, Datum, Insertion, Table};
use crate::storage::migrations::{MAIN, VAULT};
use crate::storage::vault::BucketKeyRow;
use crate::storage::{Error, Reader, Storage, vault};

/// Rows written in one transaction.
const PAGE: usize = 1_000;
const VAULT_ID: &str = "id";
const BUCKET_KEYS: &str = "bucket_keys";

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
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// What became of the key store.
    pub key_store: KeyStore,
    /// How many rows.
    pub rows: u64,
    /// The bucket keys of the backup, where it has them: accounts may lie under some that the key
    /// store has no more.
    pub bucket_keys: Vec<BucketKeyRow>,
}

/// A folder that was found to be what its manifest says.
struct Verified {
    manifest: Manifest,
    /// Its files, in an order in which their rows may be inserted.
    files: Vec<(Insertion, usize)>,
}

/// Whether a restore has begun on this database and not ended.
pub async fn is_half_restored(storage: &Storage) -> Result<bool, Error> {
    backup::is_restoring(&mut storage.reader().await?).await
}

impl Backups {
    /// Fills the databases with a backup. What was taken away since is still to be taken away
    /// again, and the mark to be removed.
    pub async fn load(&self, folder: &Path) -> Result<Loaded, BackupError> {
        let main = self.verify(folder, Part::Main)?;
        let vault_folder = folder.join(VAULT_FOLDER);
        let vault = if vault_folder.exists() {
            Some(self.verify(&vault_folder, Part::Vault)?)
        } else {
            None
        };
        if vault
            .as_ref()
            .is_some_and(|vault| vault.manifest.vault != main.manifest.vault)
        {
            return Err(BackupError::OtherVault);
        }
        check_empty(&mut self.main.reader().await?).await?;
        let found = vault::fact(&mut self.vault.reader().await?, VAULT_ID).await?;
        let key_store = match found {
            Some(id) if id == main.manifest.vault => KeyStore::Kept,
            Some(_) => return Err(BackupError::OtherVault),
            None => KeyStore::Restored,
        };
        let bucket_keys = match (&vault, key_store) {
            (None, KeyStore::Restored) => return Err(BackupError::NoVault(vault_folder)),
            (None, KeyStore::Kept) => Vec::new(),
            (Some(vault), _) => read_bucket_keys(&vault_folder, &vault.manifest)?,
        };
        begin(&self.main).await?;
        if let (Some(vault), KeyStore::Restored) = (&vault, key_store) {
            self.fill_vault(&vault_folder, vault).await?;
        }
        let mut rows = 0;
        for (insertion, index) in &main.files {
            if let Some(file) = main.manifest.files.get(*index) {
                fill(&self.main, insertion, (folder, file)).await?;
                rows += file.rows;
            }
        }
        Ok(Loaded {
            manifest: main.manifest,
            key_store,
            rows,
            bucket_keys,
        })
    }

    /// Reads all of a folder and changes nothing.
    fn verify(&self, folder: &Path, part: Part) -> Result<Verified, BackupError> {
        let manifest = Manifest::read(folder, part, &self.master)?;
        if manifest.issuer != self.issuer {
            return Err(BackupError::OtherIssuer {
                found: manifest.issuer,
                asked: self.issuer.clone(),
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
        Ok(Verified { manifest, files })
    }

    async fn fill_vault(&self, folder: &Path, vault: &Verified) -> Result<(), BackupError> {
        let mut all = Vec::new();
        for (insertion, index) in &vault.files {
            if let Some(file) = vault.manifest.files.get(*index) {
                all.push((insertion.clone(), read_all(folder, file)?));
            }
        }
        let filled: Result<(), Error> = self
            .vault
            .write(all, |tx, all| {
                Box::pin(async move {
                    for (insertion, rows) in all {
                        insertion.put(tx, rows).await?;
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
) -> Result<Option<(Insertion, usize)>, BackupError> {
    let mut files = manifest.files.iter().enumerate();
    let found = files.find(|(_, file)| file.table == table.name);
    let Some((index, file)) = found.filter(|_| table.carriage != Carriage::Left) else {
        return Ok(None);
    };
    let insertion = Insertion::of(table, &file.columns);
    let why = "it has a column that this release does not know";
    let insertion = insertion.ok_or_else(|| BackupError::damaged(folder, why))?;
    Ok(Some((insertion, index)))
}

/// Only a database without a row is filled.
async fn check_empty(reader: &mut Reader) -> Result<(), BackupError> {
    if backup::is_restoring(reader).await? {
        return Err(BackupError::HalfRestored);
    }
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
            Box::pin(async move { backup::begin_restoring(tx).await })
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

fn read_bucket_keys(folder: &Path, manifest: &Manifest) -> Result<Vec<BucketKeyRow>, BackupError> {
    let Some(file) = manifest.files.iter().find(|file| file.table == BUCKET_KEYS) else {
        return Ok(Vec::new());
    };
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
