//! What can be wrong with a journal, and what follows.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Owner;

/// Why the journal could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalFailure {
    /// The disk, or the file.
    #[error("the journal {} cannot be used: {because}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        because: String,
    },
    /// Another process has it.
    #[error(
        "the journal in {} is used by another process; give each sidecar a folder of its own with `--journal`",
        folder.display()
    )]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// It is another sidecar's.
    #[error(
        "the journal {} belongs to sidecar {} of {}, and this is sidecar {} of {}; name another folder with `--journal`",
        path.display(), owner.sidecar.0, owner.region, asked.sidecar.0, asked.region
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: Owner,
        /// Who asked.
        asked: Owner,
    },
    /// A later version wrote it.
    #[error(
        "the journal {} is of format {format}, and this version knows formats 1 to {}; run the version that wrote it, \
         or move the file away", path.display(), super::FORMAT
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
}

impl JournalFailure {
    pub(super) fn unusable(path: &Path, because: impl Into<String>) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            because: because.into(),
        }
    }

    /// Whether it was started with the wrong folder, so that trying again will not help.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::NotOurs { .. } | Self::TooNew { .. })
    }
}

/// What is wrong with a file that should be a journal.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It cannot be read, and never will be: it is set aside.
    Damaged(String),
    /// It must not be touched, or the disk fails.
    Refused(JournalFailure),
}

impl Trouble {
    pub(super) fn into_failure(self, path: &Path) -> JournalFailure {
        match self {
            Self::Damaged(because) => JournalFailure::unusable(path, because),
            Self::Refused(failure) => failure,
        }
    }

    /// Tells a file that is broken from a disk that fails.
    pub(super) fn of(path: &Path, error: redb::Error) -> Self {
        match error {
            redb::Error::Io(io) if !says_damaged(io.kind()) => {
                Self::Refused(JournalFailure::unusable(path, io.to_string()))
            }
            redb::Error::DatabaseAlreadyOpen => Self::Refused(JournalFailure::Busy {
                folder: path.parent().unwrap_or(path).to_owned(),
            }),
            redb::Error::Backend(_) | redb::Error::PreviousIo | redb::Error::Unsupported => {
                Self::Refused(JournalFailure::unusable(path, error.to_string()))
            }
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// What a read says of a file that is too short, or is none of ours.
const fn says_damaged(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::InvalidData)
}
