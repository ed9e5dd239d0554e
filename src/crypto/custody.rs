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
mod tests {
    use super::*;
    use crate::crypto::entropy::{SeededEntropy, SystemEntropy};

    fn text(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_key_is_read_in_every_spelling() {
        let spellings = [
            "fbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbef",
            "FBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEF\n",
            "++++++++++++++++++++++++++++++++++++++++++8=",
            "------------------------------------------8",
        ];
        let prints: Vec<String> = spellings
            .iter()
            .map(|spelling| {
                let key = MasterKey::from_text(&text(spelling)).expect("a key");
                key.fingerprint()
            })
            .collect();
        assert_eq!(prints, vec!["TBP-NMGqW66XMMYx"; 4]);
    }

    #[test]
    fn other_text_is_no_key() {
        let long = "A".repeat(44);
        let hex = "g".repeat(64);
        for other in ["", "secret", &long, &hex, &long[..42]] {
            let refused = MasterKey::from_text(&text(other));
            assert!(matches!(refused, Err(CustodyError::Malformed)));
        }
    }

    #[test]
    fn a_file_is_made_once_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys/master");
        assert!(MasterKey::read(&path).is_err());
        let first = MasterKey::read_or_create(&path, &SystemEntropy).expect("made");
        let again = MasterKey::read_or_create(&path, &SystemEntropy).expect("read");
        assert_eq!(first.fingerprint(), again.fingerprint());
        let names = fs::read_dir(folder.path().join("keys")).expect("listed");
        assert_eq!(names.count(), 1, "no draft is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_race_to_make_the_file_has_one_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = &folder.path().join("master");
        let prints: Vec<String> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| MasterKey::read_or_create(path, &SystemEntropy)))
                .collect();
            let keys = racers.into_iter().map(|racer| racer.join().expect("ends"));
            keys.map(|key| key.expect("a key").fingerprint()).collect()
        });
        assert!(prints.iter().all(|print| *print == prints[0]));
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master");
        fs::write(&path, "").expect("written");
        let refused = MasterKey::read_or_create(&path, &SystemEntropy);
        assert!(matches!(refused, Err(CustodyError::Malformed)));
        assert_eq!(fs::read(&path).expect("there"), b"");
    }

    #[test]
    fn wraps_and_seals() {
        let entropy = SeededEntropy::new(1);
        let master = MasterKey::from_text(&text(&"ab".repeat(32))).expect("a key");
        let key = DataKey::generate(&entropy);
        let wrapped = master.wrap("bucket:1", &key, &entropy).expect("wraps");
        let unwrapped = master.unwrap_key("bucket:1", &wrapped).expect("unwraps");
        assert_eq!(unwrapped.bytes(), key.bytes());
        assert!(master.unwrap_key("bucket:2", &wrapped).is_none());
        let sealed = master.seal("signing:1", b"pkcs8", &entropy).expect("seals");
        let opened = master.open("signing:1", &sealed).expect("opens");
        assert_eq!(*opened, b"pkcs8");
    }

    #[test]
    fn another_key_opens_and_never_wraps() {
        let entropy = SeededEntropy::new(1);
        let of = |digits: &str| MasterKey::from_text(&text(&digits.repeat(32))).expect("a key");
        let both = of("ab").with_other(of("cd"));
        assert_eq!(both.other_fingerprint(), Some(of("cd").fingerprint()));
        let key = DataKey::generate(&entropy);
        let old = of("cd").wrap("bucket:1", &key, &entropy).expect("wraps");
        let sealed = of("cd").seal("keys:1", b"pkcs8", &entropy).expect("seals");
        assert!(both.unwrap_key("bucket:1", &old).is_some());
        assert!(both.open("keys:1", &sealed).is_some());
        let new = both.wrap("bucket:1", &key, &entropy).expect("wraps");
        assert!(of("cd").unwrap_key("bucket:1", &new).is_none());
        assert!(of("ab").unwrap_key("bucket:1", &new).is_some());
        assert_eq!(of("ab").with_other(of("ab")).other_fingerprint(), None);
    }

    #[test]
    fn what_the_other_key_opens_comes_under_the_current_one() {
        let entropy = SeededEntropy::new(1);
        let of = |digits: &str| MasterKey::from_text(&text(&digits.repeat(32))).expect("a key");
        let both = of("ab").with_other(of("cd"));
        let key = DataKey::generate(&entropy);
        let old = of("cd").wrap("bucket:1", &key, &entropy).expect("wraps");
        let Ok(Rewrapped::Anew(new)) = both.rewrap_key("bucket:1", &old, &entropy) else {
            panic!("it lies under the other");
        };
        let opened = of("ab").unwrap_key("bucket:1", &new).expect("unwraps");
        assert_eq!(opened.bytes(), key.bytes());
        let again = both.rewrap_key("bucket:1", &new, &entropy);
        assert_eq!(again, Ok(Rewrapped::Current));
        let elsewhere = both.rewrap_key("bucket:2", &old, &entropy);
        assert_eq!(elsewhere, Err(RewrapError::Unopened));
        let sealed = of("cd").seal("keys:1", b"pkcs8", &entropy).expect("seals");
        let Ok(Rewrapped::Anew(new)) = both.reseal("keys:1", &sealed, &entropy) else {
            panic!("it lies under the other");
        };
        assert_eq!(*of("ab").open("keys:1", &new).expect("opens"), b"pkcs8");
        assert_eq!(
            both.reseal("keys:1", &new, &entropy),
            Ok(Rewrapped::Current)
        );
        let stranger = of("ef").reseal("keys:1", &new, &entropy);
        assert_eq!(stranger, Err(RewrapError::Unopened));
    }
}
