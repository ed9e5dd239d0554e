//! `vault.*`: where the keys are that seal personal data, and the key that wraps them.

use std::fs;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use zeroize::Zeroize;

use super::database_url::DatabaseUrl;
use super::read::Reader;
use crate::domain::secret::Secret;

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
    Given(Secret<[u8; 32]>),
    /// A file beside the vault, made on first start.
    BesideVault(PathBuf),
}

pub(super) fn read(read: &mut Reader<'_>, database: Option<&DatabaseUrl>) -> Option<VaultConfig> {
    let folder = match database {
        Some(DatabaseUrl::Sqlite(path)) => path.parent().map(Path::to_owned),
        Some(DatabaseUrl::Postgres(_)) | None => None,
    };
    let folder = folder.unwrap_or_else(|| PathBuf::from("data"));
    let url = match read.text("vault.url")? {
        "" => {
            let path = folder.join("vault.db");
            read.show("vault.url", format!("sqlite:{}", path.display()));
            Some(DatabaseUrl::Sqlite(path))
        }
        _ => read.parse("vault.url", DatabaseUrl::parse),
    };
    if url.is_some() && url.as_ref() == database {
        read.problem(
            "vault.url",
            "must not be the database itself: a backup of it would hold the keys to its contents",
        );
    }
    let key_folder = match &url {
        Some(DatabaseUrl::Sqlite(path)) => path.parent().map_or(folder, Path::to_owned),
        Some(DatabaseUrl::Postgres(_)) | None => folder,
    };
    let master_key = master_key(read, &key_folder);
    Some(VaultConfig {
        url: url?,
        master_key: master_key?,
    })
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
            decode_master_key(text).map(MasterKeySource::Given)
        }),
        (false, Some(_)) => read.parse("vault.master_key_file", |path| {
            let mut text =
                fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
            let key = decode_master_key(&text);
            text.zeroize();
            key.map(MasterKeySource::Given)
        }),
        (false, None) => {
            let path = folder.join("master.key");
            read.show("vault.master_key_file", path.display().to_string());
            Some(MasterKeySource::BesideVault(path))
        }
    }
}

/// A master key as settings and key files have it: 32 bytes in base64, white space around it.
pub fn decode_master_key(text: &str) -> Result<Secret<[u8; 32]>, String> {
    let mut bytes = BASE64_STANDARD.decode(text.trim()).unwrap_or_default();
    let key = <[u8; 32]>::try_from(bytes.as_slice());
    bytes.zeroize();
    key.map(Secret::new)
        .map_err(|_| "must be 32 bytes in base64".to_owned())
}

/// The text of a key file.
pub fn encode_master_key(key: &Secret<[u8; 32]>) -> Secret<String> {
    Secret::new(format!("{}\n", BASE64_STANDARD.encode(key.expose())))
}
