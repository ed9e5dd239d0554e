//! Makes a backup of one moment, while servers go on.
//!
//! The main database is read in one snapshot. The key store is another database, and keys come and
//! go: one that an account of the snapshot lies under was there at that moment, so the keys from
//! just before and just after are taken together.

use std::collections::BTreeMap;
use std::path::Path;

use super::files::{RowWriter, TableFile, make_folder, sync_folder};
use super::manifest::{Manifest, Origin, Part};
use super::{BackupError, Backups, Saved, VAULT_FOLDER};
use crate::storage::backup::{self, Carriage, Datum, Pages, Table};
use crate::storage::migrations::{MAIN, VAULT};
use crate::storage::{Reader, Storage, changes, vault};

/// Rows read at a time.
const PAGE: u32 = 1_000;
/// The facts by which a database and its key store know each other, and all others know them.
const ISSUER: &str = "issuer";
const VAULT_ID: &str = "id";

/// The key store's rows by table and key: few, and read at once, since its log cannot be emptied
/// meanwhile.
type Kept = BTreeMap<(usize, Vec<String>), Vec<Datum>>;

impl Backups {
    /// Writes a backup into a folder that is empty or not there yet.
    pub async fn save(&self, folder: &Path) -> Result<Saved, BackupError> {
        let schema = known_schema(&self.main, MAIN.newest()).await?;
        let vault_schema = known_schema(&self.vault, VAULT.newest()).await?;
        make_folder(folder)?;
        let vault_folder = folder.join(VAULT_FOLDER);
        make_folder(&vault_folder)?;
        let mut kept = Kept::new();
        self.read_vault(&mut kept).await?;
        let mut snapshot = self.main.snapshot().await?;
        let lanes = changes::lanes(&mut snapshot).await?;
        let taken_at = self.now();
        self.read_vault(&mut kept).await?;
        let mut reader = self.vault.reader().await?;
        let id = vault::fact(&mut reader, VAULT_ID).await?;
        drop(reader);
        let noted = backup::fact(&mut snapshot, ISSUER).await?;
        let origin = Origin {
            issuer: noted.unwrap_or_else(|| self.issuer.clone()),
            vault: id.unwrap_or_default(),
            taken_at,
            lanes: lanes.iter().map(|lane| lane.seq).collect(),
        };
        let keys = (&*self.master, &*self.entropy);
        let vault_files = write_kept(&vault_folder, &kept)?;
        let bucket_keys = rows_of(&vault_files, "bucket_keys");
        Manifest::new((Part::Vault, vault_schema), &origin, keys.0, vault_files)
            .write(&vault_folder, keys)?;
        let mut files = Vec::new();
        for table in backup::MAIN {
            if table.carriage != Carriage::Left {
                files.push(copy(&mut snapshot, table, folder).await?);
            }
        }
        let saved = Saved {
            taken_at: taken_at.to_string(),
            rows: files.iter().map(|file| file.rows).sum(),
            bytes: files.iter().map(|file| file.bytes).sum(),
            bucket_keys,
        };
        sync_folder(folder)?;
        Manifest::new((Part::Main, schema), &origin, keys.0, files).write(folder, keys)?;
        Ok(saved)
    }

    /// Takes in what the key store holds now. What is there already stays.
    async fn read_vault(&self, kept: &mut Kept) -> Result<(), BackupError> {
        let mut snapshot = self.vault.snapshot().await?;
        for (index, table) in carried() {
            let pages = Pages::of(table);
            let mut last: Option<Vec<Datum>> = None;
            loop {
                let rows = pages.page(&mut snapshot, last.as_deref(), PAGE).await?;
                for row in &rows {
                    kept.insert((index, sortable(table, row)), row.clone());
                }
                match rows.into_iter().next_back() {
                    Some(row) => last = Some(row),
                    None => break,
                }
            }
        }
        Ok(())
    }
}

/// A schema that this release knows all of: a column that it did not would be missing.
async fn known_schema(storage: &Storage, known: i64) -> Result<i64, BackupError> {
    let found = storage.schema().await?;
    if found > known {
        let what = "database";
        return Err(BackupError::NewerSchema { what, found, known });
    }
    Ok(found)
}

/// The key store's tables that are few rows.
fn carried() -> impl Iterator<Item = (usize, &'static Table)> {
    let tables = backup::VAULT.iter().enumerate();
    tables.filter(|(_, table)| table.carriage == Carriage::Carried)
}

/// A row's key, in an order; which one does not matter.
fn sortable(table: &Table, row: &[Datum]) -> Vec<String> {
    let columns = table.columns.iter().zip(row);
    columns
        .filter(|(column, _)| table.key.contains(&column.name))
        .map(|(_, datum)| match datum {
            Datum::Null => String::new(),
            Datum::Boolean(boolean) => boolean.to_string(),
            Datum::Integer(integer) => format!("{integer:020}"),
            Datum::Text(text) => text.clone(),
        })
        .collect()
}

fn write_kept(folder: &Path, kept: &Kept) -> Result<Vec<TableFile>, BackupError> {
    let mut files = Vec::new();
    for (index, table) in carried() {
        let mut writer = RowWriter::create(folder, table)?;
        let own = kept.iter().filter(|((of, _), _)| *of == index);
        for (_, row) in own {
            writer.write(row)?;
        }
        files.push(writer.finish()?);
    }
    sync_folder(folder)?;
    Ok(files)
}

async fn copy(
    snapshot: &mut Reader,
    table: &'static Table,
    folder: &Path,
) -> Result<TableFile, BackupError> {
    let mut writer = RowWriter::create(folder, table)?;
    let pages = Pages::of(table);
    let mut last: Option<Vec<Datum>> = None;
    loop {
        let rows = pages.page(snapshot, last.as_deref(), PAGE).await?;
        for row in &rows {
            writer.write(row)?;
        }
        match rows.into_iter().next_back() {
            Some(row) => last = Some(row),
            None => return writer.finish(),
        }
    }
}

fn rows_of(files: &[TableFile], table: &str) -> u64 {
    let file = files.iter().find(|file| file.table == table);
    file.map_or(0, |file| file.rows)
}
