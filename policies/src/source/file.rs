//! A file's name and text.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

/// The largest file that is read: 1 MiB. The shipped ones have about 20 KiB.
pub const SIZE_MAX: u64 = 1 << 20;

/// The name and the text of a file. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
}

/// Why a file could not be read.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// The system refused.
    #[error("cannot read `{name}`: {source}")]
    Io {
        /// The file's name as it was given.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// A directory, where a file is needed.
    #[error("`{name}` is a directory; name a file")]
    Directory {
        /// The name as it was given.
        name: String,
    },
    /// More than [`SIZE_MAX`].
    #[error("`{name}` is larger than 1 MiB, which no file of this kind needs; check the name")]
    TooLarge {
        /// The file's name as it was given.
        name: String,
    },
    /// Not text.
    #[error("`{name}` is not UTF-8 text (byte {offset}); save it as UTF-8")]
    NotUtf8 {
        /// The file's name as it was given.
        name: String,
        /// Offset of the first byte that is not UTF-8.
        offset: usize,
    },
}

impl Source {
    /// Takes a text that is already in memory.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// Reads a file; `-` reads standard input.
    ///
    /// # Errors
    /// When it cannot be read, is a directory, is larger than [`SIZE_MAX`], or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, Unreadable> {
        let name = path.display().to_string();
        let refused = |source| Unreadable::Io {
            name: name.clone(),
            source,
        };
        let mut bytes = Vec::new();
        let input: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else if path.is_dir() {
            return Err(Unreadable::Directory { name });
        } else {
            Box::new(File::open(path).map_err(refused)?)
        };
        // One byte more than allowed tells "too large" apart without trusting the file's stated length.
        input.take(SIZE_MAX + 1).read_to_end(&mut bytes).map_err(refused)?;
        if bytes.len() as u64 > SIZE_MAX {
            return Err(Unreadable::TooLarge { name });
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(if name == "-" { "standard input" } else { &name }, &text)),
            Err(error) => Err(Unreadable::NotUtf8 {
                name,
                offset: error.utf8_error().valid_up_to(),
            }),
        }
    }

    /// The name, as diagnostics show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}
