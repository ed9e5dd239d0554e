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
    /// Another that opens what it wrapped; none is made.
    pub other_master_key: Option<MasterKeySource>,
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
        let key = self.load(&self.master_key, entropy)?;
        Ok(match &self.other_master_key {
            Some(other) => key.with_other(self.load(other, entropy)?),
            None => key,
        })
    }

    fn load(
        &self,
        source: &MasterKeySource,
        entropy: &dyn Entropy,
    ) -> Result<MasterKey, MasterKeyError> {
        match source {
            MasterKeySource::Text(text) => Ok(MasterKey::from_text(text)?),
            MasterKeySource::File(path) => Ok(MasterKey::read(path)?),
            MasterKeySource::BesideVault(key) => {
                self.check_master_key()?;
                let is_new = !key.exists();
                let made = MasterKey::read_or_create(key, entropy)?;
                if is_new {
                    let file = key.display();
                    tracing::info!(%file, "a new master key was made: without it nothing opens, so keep a copy apart");
                }
                Ok(made)
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
    let other_key = match given_key(
        read,
        "vault.other_master_key",
        "vault.other_master_key_file",
    ) {
        Given::Key(source) => Some(source),
        // A problem that was noted ends the start anyway.
        Given::Nothing | Given::Wrong => None,
    };
    Some(VaultConfig {
        url: url?,
        master_key: master_key?,
        other_master_key: other_key,
    })
}

fn folder_of(url: Option<&DatabaseUrl>) -> Option<PathBuf> {
    url?.file()?.parent().map(Path::to_owned)
}

fn master_key(read: &mut Reader<'_>, folder: &Path) -> Option<MasterKeySource> {
    match given_key(read, "vault.master_key", "vault.master_key_file") {
        Given::Key(source) => Some(source),
        Given::Nothing => {
            let path = folder.join("master.key");
            let note = format!("{}, made on first start", path.display());
            read.note("vault.master_key_file", note);
            Some(MasterKeySource::BesideVault(path))
        }
        Given::Wrong => None,
    }
}

/// A key as it may be given in two ways.
enum Given {
    Key(MasterKeySource),
    Nothing,
    /// What is wrong has been noted.
    Wrong,
}

fn given_key(read: &mut Reader<'_>, setting: &'static str, file_setting: &'static str) -> Given {
    let given = read.text(setting).is_some_and(|text| !text.is_empty());
    let source = match (given, read.optional_path(file_setting)) {
        (true, Some(_)) => {
            let what = format!("must not be given together with {setting}");
            read.problem(file_setting, what);
            None
        }
        (true, None) => read.parse(setting, |text| {
            let text = Secret::new(text.to_owned());
            MasterKey::from_text(&text).map_err(|error| error.to_string())?;
            Ok(MasterKeySource::Text(text))
        }),
        (false, Some(path)) => read.parse(file_setting, |_| {
            MasterKey::read(&path).map_err(|error| error.to_string())?;
            Ok(MasterKeySource::File(path))
        }),
        (false, None) => return Given::Nothing,
    };
    source.map_or(Given::Wrong, Given::Key)
}
