//! `vault.*`: where the keys are that seal personal data, and the key that wraps them.

use std::path::{Path, PathBuf};

use super::read::Reader;
use crate::crypto::custody::{CustodyError, MasterKey};
use crate::domain::entropy::Entropy;
use crate::domain::secret::Secret;
use crate::storage::database::DatabaseUrl;

/// `vault.*`
#[derive(Debug)]
pub struct VaultConfig {
    /// The vault's own database.
    pub url: DatabaseUrl,
    /// The key that wraps all others.
    pub master_key: MasterKeySource,
}

/// Where the master key comes from.
#[derive(Debug)]
pub enum MasterKeySource {
    /// It was configured.
    Text(Secret<String>),
    /// A file that must be there.
    File(PathBuf),
    /// A file beside the vault, made on first start.
    BesideVault(PathBuf),
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// What was configured is no key.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// A new key would not open the vault that is there.
    #[error(
        "the vault {vault} exists, but its master key {key} does not: put it back, \
         or name it in vault.master_key_file"
    )]
    Lost {
        /// The vault.
        vault: PathBuf,
        /// The key's place.
        key: PathBuf,
    },
}

impl VaultConfig {
    /// Whether the master key could be read, or made. Makes nothing.
    pub fn check_master_key(&self) -> Result<(), MasterKeyError> {
        match (&self.master_key, self.url.file()) {
            (MasterKeySource::BesideVault(key), Some(vault)) if vault.exists() && !key.exists() => {
                Err(MasterKeyError::Lost {
                    vault: vault.to_owned(),
                    key: key.clone(),
                })
            }
            (MasterKeySource::BesideVault(key) | MasterKeySource::File(key), _) if key.exists() => {
                Ok(MasterKey::read(key).map(drop)?)
            }
            // The reader of the configuration has read what is given.
            _ => Ok(()),
        }
    }

    /// The master key; made when this is the first start. Call it before the vault is opened,
    /// since that makes the vault's file.
    pub fn master_key(&self, entropy: &dyn Entropy) -> Result<MasterKey, MasterKeyError> {
        match &self.master_key {
            MasterKeySource::Text(text) => Ok(MasterKey::from_text(text)?),
            MasterKeySource::File(path) => Ok(MasterKey::read(path)?),
            MasterKeySource::BesideVault(key) => {
                self.check_master_key()?;
                Ok(MasterKey::read_or_create(key, entropy)?)
            }
        }
    }
}

pub(super) fn read(read: &mut Reader<'_>, database: Option<&DatabaseUrl>) -> Option<VaultConfig> {
    let folder = folder_of(database).unwrap_or_else(|| PathBuf::from("data"));
    let in_file = read.optional_path("vault.url_file").is_some();
    let url = if read.text("vault.url")?.is_empty() && !in_file {
        let url = DatabaseUrl::sqlite(&folder.join("vault.db"));
        read.note("vault.url", url.to_string());
        Some(url)
    } else {
        read.database_url("vault.url", "vault.url_file")
    };
    let same =
        |url: &DatabaseUrl| database.is_some_and(|other| other.to_string() == url.to_string());
    if url.as_ref().is_some_and(same) {
        read.problem(
            "vault.url",
            "must not be the database itself: a backup of it would hold the keys to its contents",
        );
    }
    let key_folder = folder_of(url.as_ref()).unwrap_or(folder);
    let master_key = master_key(read, &key_folder);
    Some(VaultConfig {
        url: url?,
        master_key: master_key?,
    })
}

fn folder_of(url: Option<&DatabaseUrl>) -> Option<PathBuf> {
    url?.file()?.parent().map(Path::to_owned)
}

fn master_key(read: &mut Reader<'_>, folder: &Path) -> Option<MasterKeySource> {
    let given = !read.text("vault.master_key")?.is_empty();
    let file = read.optional_path("vault.master_key_file");
    match (given, file) {
        (true, Some(_)) => {
            read.problem(
                "vault.master_key_file",
                "must not be given together with vault.master_key",
            );
            None
        }
        (true, None) => read.parse("vault.master_key", |text| {
            let text = Secret::new(text.to_owned());
            MasterKey::from_text(&text).map_err(|error| error.to_string())?;
            Ok(MasterKeySource::Text(text))
        }),
        (false, Some(path)) => read.parse("vault.master_key_file", |_| {
            MasterKey::read(&path).map_err(|error| error.to_string())?;
            Ok(MasterKeySource::File(path))
        }),
        (false, None) => {
            let path = folder.join("master.key");
            let note = format!("{}, made on first start", path.display());
            read.note("vault.master_key_file", note);
            Some(MasterKeySource::BesideVault(path))
        }
    }
}
