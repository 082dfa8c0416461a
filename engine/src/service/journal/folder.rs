//! The journal's folder: one process at a time, and what was set aside in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::failure::JournalFailure;
use crate::core::time::WallTime;

const JOURNAL: &str = "journal.redb";
const LOCK: &str = "journal.lock";
const ASIDE: &str = "journal.redb.set-aside-";
/// Files set aside that are kept; the oldest go first. A choice: each is at most a few times `BYTES_MAX`.
const ASIDE_MAX: usize = 4;

/// A folder that this process uses, and no other.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder, and locks it. The lock goes with the process, however it ends.
    pub(super) fn take(path: &Path) -> Result<Self, JournalFailure> {
        let failed = |error: std::io::Error| JournalFailure::unusable(path, error.to_string());
        std::fs::create_dir_all(path).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(JournalFailure::Busy {
                folder: path.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// Renames the journal, and returns its new name.
    pub(super) fn set_aside(&self, now: WallTime) -> Result<PathBuf, JournalFailure> {
        let path = self.journal();
        let failed = |error: std::io::Error| JournalFailure::unusable(&path, error.to_string());
        let stamp = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or_default();
        let stamp = stamp.strftime("%Y%m%dT%H%M%SZ").to_string();
        // Twice in one second, or a clock that went back: nothing is overwritten.
        let aside = (0..)
            .map(|again: u32| {
                let suffix = if again == 0 { String::new() } else { format!("-{again}") };
                self.path.join(format!("{ASIDE}{stamp}{suffix}"))
            })
            .find(|path| !path.exists())
            .unwrap_or_else(|| self.path.join(ASIDE));
        std::fs::rename(&path, &aside).map_err(failed)?;
        let all = self.all_set_aside();
        for old in all.iter().take(all.len().saturating_sub(ASIDE_MAX)) {
            std::fs::remove_file(old).map_err(failed)?;
        }
        Ok(aside)
    }

    /// What was set aside, oldest first.
    pub(super) fn all_set_aside(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        let aside = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(ASIDE));
        let mut paths: Vec<PathBuf> = aside.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    }

    /// Brings the folder's names onto the disk: a file that was just begun is not there before that.
    pub(super) fn keep_names(&self) -> Result<(), JournalFailure> {
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| JournalFailure::unusable(&self.path, error.to_string()))
    }
}
