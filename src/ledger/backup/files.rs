//! Files of rows: one JSON array a line, in the order of the columns that the manifest names.
//! Readable by their owner alone, and on the disk before anything relies on them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::BackupError;
use crate::crypto::digest::Sha256;
use crate::storage::backup::{Datum, Table};

const BUFFER: usize = 256 * 1024;

/// A file of a table's rows, as the manifest has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableFile {
    /// The table; the file is called so, too.
    pub table: String,
    /// The columns, in the order of a row's values.
    pub columns: Vec<String>,
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

impl TableFile {
    fn path(folder: &Path, table: &str) -> PathBuf {
        folder.join(format!("{table}.ndjson"))
    }
}

/// Makes a folder that only its owner may look into, or takes one that is empty.
pub(super) fn make_folder(folder: &Path) -> Result<(), BackupError> {
    let made = DirBuilder::new().mode(0o700).create(folder);
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let mut entries = fs::read_dir(folder).map_err(BackupError::file(folder))?;
            if entries.next().is_some() {
                return Err(BackupError::FolderInUse(folder.to_owned()));
            }
            Ok(())
        }
        made => made.map_err(BackupError::file(folder)),
    }
}

/// Names of files are on the disk when their folder is.
pub(super) fn sync_folder(folder: &Path) -> Result<(), BackupError> {
    let synced = File::open(folder).and_then(|opened| opened.sync_all());
    synced.map_err(BackupError::file(folder))
}

/// Writes a file that is not there yet.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let written = create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(BackupError::file(path))
}

fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Writes the rows of a table.
pub(super) struct RowWriter {
    path: PathBuf,
    table: &'static Table,
    file: BufWriter<File>,
    line: Vec<u8>,
    digest: Sha256,
    rows: u64,
    bytes: u64,
}

impl RowWriter {
    pub(super) fn create(folder: &Path, table: &'static Table) -> Result<Self, BackupError> {
        let path = TableFile::path(folder, table.name);
        let file = create(&path).map_err(BackupError::file(&path))?;
        Ok(Self {
            path,
            table,
            file: BufWriter::with_capacity(BUFFER, file),
            line: Vec::new(),
            digest: Sha256::new(),
            rows: 0,
            bytes: 0,
        })
    }

    pub(super) fn write(&mut self, row: &[Datum]) -> Result<(), BackupError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, row)
            .map_err(|_| BackupError::damaged(&self.path, "a row cannot be written as JSON"))?;
        self.line.push(b'\n');
        self.digest.update(&self.line);
        self.rows += 1;
        self.bytes += self.line.len() as u64;
        let written = self.file.write_all(&self.line);
        written.map_err(BackupError::file(&self.path))
    }

    /// What the manifest says of it, once it is on the disk.
    pub(super) fn finish(self) -> Result<TableFile, BackupError> {
        let Self { path, table, .. } = self;
        let file = self
            .file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error);
        let synced = file.and_then(|file| file.sync_all());
        synced.map_err(BackupError::file(&path))?;
        let columns = table.columns.iter();
        Ok(TableFile {
            table: table.name.to_owned(),
            columns: columns.map(|column| column.name.to_owned()).collect(),
            rows: self.rows,
            bytes: self.bytes,
            sha256: hexadecimal(&self.digest.finish()),
        })
    }
}

const LONGER: &str = "it is longer than the manifest says";

/// Reads the rows of a table, and finds out at the end whether they were what the manifest says.
pub(super) struct RowReader<'a> {
    path: PathBuf,
    told: &'a TableFile,
    file: BufReader<File>,
    line: Vec<u8>,
    digest: Sha256,
    rows: u64,
    bytes: u64,
    ended: bool,
}

impl<'a> RowReader<'a> {
    pub(super) fn open(folder: &Path, told: &'a TableFile) -> Result<Self, BackupError> {
        let path = TableFile::path(folder, &told.table);
        let file = File::open(&path).map_err(BackupError::file(&path))?;
        let length = file.metadata().map_err(BackupError::file(&path))?.len();
        // Before a line of it is read, which may be all of it.
        if length > told.bytes {
            return Err(BackupError::damaged(&path, LONGER));
        }
        Ok(Self {
            path,
            told,
            file: BufReader::with_capacity(BUFFER, file),
            line: Vec::new(),
            digest: Sha256::new(),
            rows: 0,
            bytes: 0,
            ended: false,
        })
    }

    pub(super) fn damaged(&self, why: &'static str) -> BackupError {
        BackupError::damaged(&self.path, why)
    }

    /// The next row; none when there are no more and all were as they were written.
    pub(super) fn next_row(&mut self) -> Result<Option<Vec<Datum>>, BackupError> {
        if !self.next_line()? {
            return Ok(None);
        }
        let row = serde_json::from_slice(&self.line);
        row.map(Some).map_err(|_| self.damaged("a line is no row"))
    }

    /// Reads to the end without looking into the rows.
    pub(super) fn verify(mut self) -> Result<(), BackupError> {
        while self.next_line()? {}
        Ok(())
    }

    fn next_line(&mut self) -> Result<bool, BackupError> {
        if self.ended {
            return Ok(false);
        }
        self.line.clear();
        let read = self.file.read_until(b'\n', &mut self.line);
        let length = read.map_err(BackupError::file(&self.path))?;
        if length == 0 {
            self.ended = true;
            return self.check_end().map(|()| false);
        }
        self.digest.update(&self.line);
        self.rows += 1;
        self.bytes += length as u64;
        // A file that has grown is not read to its end, wherever that may be.
        if self.bytes > self.told.bytes {
            return Err(self.damaged(LONGER));
        }
        Ok(true)
    }

    fn check_end(&mut self) -> Result<(), BackupError> {
        let digest = std::mem::take(&mut self.digest).finish();
        let is_same = self.rows == self.told.rows
            && self.bytes == self.told.bytes
            && hexadecimal(&digest) == self.told.sha256;
        if is_same {
            Ok(())
        } else {
            Err(self.damaged("its digest is not the one in the manifest"))
        }
    }
}

/// As `sha256sum` prints it.
fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| {
        DIGITS
            .get(usize::from(value))
            .copied()
            .map_or('0', char::from)
    };
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
