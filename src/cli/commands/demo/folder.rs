//! The demo's folder, held by one demo at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::crypto::encoding;
use crate::domain::entropy::Entropy;

const LOCK: &str = "lock";

/// A folder with a lock on it.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    afterwards: Afterwards,
    _lock: File,
}

/// What becomes of a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    Stays,
    Goes,
}

impl Folder {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder {shown}"))?;
        let lock = File::create(path.join(LOCK))
            .with_context(|| format!("cannot write in the folder {shown}"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                afterwards: Afterwards::Stays,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => bail!("another demo is running in {shown}"),
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the folder"),
        }
    }

    /// A new one of nobody else's, which is removed in the end.
    pub(super) fn temporary(entropy: &dyn Entropy) -> anyhow::Result<Self> {
        let name = format!("tongxing-tour-{}", encoding::encode(&entropy.bytes::<12>()));
        let path = std::env::temp_dir().join(name);
        // A name that nobody could know beforehand, so nothing was put there for us.
        let mut folder = Self::open(&path)?;
        folder.afterwards = Afterwards::Goes;
        Ok(folder)
    }

    /// Removes what earlier runs left, and nothing outside of the folder.
    pub(super) fn clear(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name() == LOCK {
                continue;
            }
            let path = entry.path();
            let removed = if entry.file_type()?.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.afterwards == Afterwards::Goes
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, "the temporary folder stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::entropy::SystemEntropy;

    #[test]
    fn one_demo_at_a_time_and_fresh_removes_only_what_is_inside() {
        let outside = tempfile::tempdir().unwrap();
        let path = outside.path().join("demo");
        fs::write(outside.path().join("kept"), "x").unwrap();
        let folder = Folder::open(&path).unwrap();
        assert!(Folder::open(&path).is_err());
        fs::create_dir(path.join("inner")).unwrap();
        fs::write(path.join("inner/file"), "x").unwrap();
        fs::write(path.join("tongxing.db"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), path.join("link")).unwrap();
        folder.clear().unwrap();
        let left: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, [LOCK]);
        assert!(outside.path().join("kept").exists());
        drop(folder);
        assert!(Folder::open(&path).is_ok() && path.exists());
    }

    #[test]
    fn a_temporary_one_leaves_nothing_behind() {
        let folder = Folder::temporary(&SystemEntropy).unwrap();
        let path = folder.path.clone();
        fs::write(path.join("file"), "x").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
