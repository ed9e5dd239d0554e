//! The master key, under which every other key at rest lies: where it is kept and how it is used.
//!
//! It never leaves this module: others ask it to wrap and unwrap. Today it is a key in a file or
//! in the environment; a hardware module (PKCS#11) becomes another custody. While one key takes the
//! place of another, the other opens, too; only the one ever wraps.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::PrimitiveError;
use super::data_key::DataKey;
use super::encoding;
use super::mac::MacKey;
use crate::domain::entropy::Entropy;
use crate::domain::secret::Secret;

/// Longer files hold something else.
const MAX_FILE: u64 = 1024;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// The text is not 32 bytes in base64 or hexadecimal digits.
    #[error("the master key is not 32 bytes in base64 or hexadecimal digits")]
    Malformed,
    /// The file cannot be read or made.
    #[error("the master key file {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// The key that wraps keys, and perhaps another one that opens what it has not wrapped yet.
pub struct MasterKey {
    current: Custody,
    other: Option<Custody>,
}

/// What became of a text that must lie under the current key.
#[derive(Debug, PartialEq, Eq)]
pub enum Rewrapped {
    /// It did before.
    Current,
    /// The other key opened it; this is the same under the current one.
    Anew(String),
}

/// Why a text was not wrapped anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RewrapError {
    /// Neither key opens it.
    #[error("the master key does not open it")]
    Unopened,
    /// The primitive failed.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
}

/// Where the key is.
enum Custody {
    /// In this process's memory.
    Memory(DataKey),
}

impl MasterKey {
    /// The key of these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let bytes = Zeroizing::new(*bytes);
        Self {
            current: Custody::Memory(DataKey::from_bytes(bytes)),
            other: None,
        }
    }

    /// This key, and another that opens, too. The same key again is no other.
    #[must_use]
    pub fn with_other(self, other: Self) -> Self {
        let is_same = self.fingerprint() == other.fingerprint();
        Self {
            current: self.current,
            other: (!is_same).then_some(other.current),
        }
    }

    /// The key of a text: 32 bytes in base64 (of either alphabet) or hexadecimal digits.
    pub fn from_text(text: &Secret<String>) -> Result<Self, CustodyError> {
        let text = text.expose().trim();
        let bytes = hexadecimal(text).or_else(|| base64(text));
        let bytes = bytes.ok_or(CustodyError::Malformed)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// The key of a file, which must be there.
    pub fn read(path: &Path) -> Result<Self, CustodyError> {
        let text = read_text(path).map_err(|error| file_error(path, error))?;
        Self::from_text(&text)
    }

    /// The key of a file, which is made with a new key if it is not there. Of several processes
    /// that try at once one makes it, and all get its key.
    pub fn read_or_create(path: &Path, entropy: &dyn Entropy) -> Result<Self, CustodyError> {
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => create(path, entropy).map_err(|error| file_error(path, error))?,
            Err(error) => return Err(file_error(path, error)),
        }
        Self::read(path)
    }

    /// A name for the key that may be stored and logged: tells keys apart, and nothing else.
    pub fn fingerprint(&self) -> String {
        self.current.fingerprint()
    }

    /// The same of the other key, if there is one.
    pub fn other_fingerprint(&self) -> Option<String> {
        self.other.as_ref().map(Custody::fingerprint)
    }

    /// Wraps a key for its place.
    pub fn wrap(
        &self,
        context: &str,
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<String, PrimitiveError> {
        self.current.memory().wrap(context, key, entropy)
    }

    /// The key that was wrapped for this place.
    pub fn unwrap_key(&self, context: &str, text: &str) -> Option<DataKey> {
        self.either(|custody| custody.memory().unwrap_key(context, text))
    }

    /// Brings a wrapped key under the current one.
    pub fn rewrap_key(
        &self,
        context: &str,
        text: &str,
        entropy: &dyn Entropy,
    ) -> Result<Rewrapped, RewrapError> {
        if self.current.memory().unwrap_key(context, text).is_some() {
            return Ok(Rewrapped::Current);
        }
        let key = self.unwrap_key(context, text);
        let key = key.ok_or(RewrapError::Unopened)?;
        Ok(Rewrapped::Anew(self.wrap(context, &key, entropy)?))
    }

    /// Seals a secret, such as a signing key, for its place.
    pub fn seal(
        &self,
        context: &str,
        secret: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, PrimitiveError> {
        self.current.memory().seal(context, secret, entropy)
    }

    /// The secret that was sealed for this place.
    pub fn open(&self, context: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.either(|custody| custody.memory().open(context, text))
    }

    /// Brings a sealed secret under the current key.
    pub fn reseal(
        &self,
        context: &str,
        text: &str,
        entropy: &dyn Entropy,
    ) -> Result<Rewrapped, RewrapError> {
        if self.current.memory().open(context, text).is_some() {
            return Ok(Rewrapped::Current);
        }
        let secret = self.open(context, text);
        let secret = secret.ok_or(RewrapError::Unopened)?;
        Ok(Rewrapped::Anew(self.seal(context, &secret, entropy)?))
    }

    fn either<T>(&self, open: impl Fn(&Custody) -> Option<T>) -> Option<T> {
        open(&self.current).or_else(|| open(self.other.as_ref()?))
    }
}

impl Custody {
    const fn memory(&self) -> &DataKey {
        match self {
            Self::Memory(key) => key,
        }
    }

    fn fingerprint(&self) -> String {
        let tag = MacKey::new(self.memory().bytes()).tag("master key fingerprint", &[]);
        let short: [u8; 12] = super::digest::leading(&tag);
        encoding::encode(&short)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKey")
            .field(&self.fingerprint())
            .field(&self.other_fingerprint())
            .finish()
    }
}

fn hexadecimal(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = Zeroizing::new([0; 32]);
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        for &digit in pair {
            let digit = char::from(digit).to_digit(16)?;
            *byte = (*byte << 4) | u8::try_from(digit).ok()?;
        }
    }
    Some(bytes)
}

fn base64(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let text = text.strip_suffix('=').unwrap_or(text);
    let url_safe = text.chars().map(|letter| match letter {
        '+' => '-',
        '/' => '_',
        other => other,
    });
    let text = Zeroizing::new(url_safe.collect::<String>());
    encoding::decode_exact(&text).map(Zeroizing::new)
}

fn read_text(path: &Path) -> io::Result<Secret<String>> {
    let mut text = String::with_capacity(128);
    File::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(Secret::new(text))
}

/// Writes a new key beside `path`, durably, and only then gives it its name, unless the name is
/// taken: a crash leaves no half a key, and a race never replaces one.
fn create(path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let key = DataKey::generate(entropy);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", encoding::encode(&entropy.bytes::<8>())));
    let draft = PathBuf::from(draft);
    let text = Zeroizing::new(encoding::encode(key.bytes()) + "\n");
    let linked = write_private(&draft, text.as_bytes()).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other.and(removed)?,
    }
    File::open(folder)?.sync_all()
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn file_error(path: &Path, error: io::Error) -> CustodyError {
    let path = path.to_owned();
    CustodyError::File { path, error }
}

#[cfg(test)]
mod tests;
