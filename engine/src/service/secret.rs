//! What must never be shown.

use std::fmt;
use std::path::{Path, PathBuf};

/// A token or a password. Its `Debug` shows nothing; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A file that should hold a secret, and does not.
#[derive(Debug, thiserror::Error)]
pub enum NoSecret {
    /// It cannot be read.
    #[error("the file {} cannot be read: {because}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        because: std::io::Error,
    },
    /// It is too short to be one.
    #[error("the file {} holds fewer than {SHORTEST} letters; fill it with `openssl rand -hex 32`", .0.display())]
    TooShort(PathBuf),
}

/// Below this anybody could guess it. A choice: 16 letters of hex are 64 bits.
const SHORTEST: usize = 16;

impl Secret {
    /// A secret from elsewhere.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The first line of a file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds too little.
    pub fn read(path: &Path) -> Result<Self, NoSecret> {
        let text = std::fs::read_to_string(path).map_err(|because| NoSecret::Unreadable {
            path: path.to_owned(),
            because,
        })?;
        let line = text.lines().next().unwrap_or_default().trim();
        if line.len() < SHORTEST {
            return Err(NoSecret::TooShort(path.to_owned()));
        }
        Ok(Self(line.to_owned()))
    }

    /// The secret itself, for whoever has to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a text is this secret, in a time that does not depend on how much of it is right.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (own, other) = (self.0.as_bytes(), text.as_bytes());
        let difference = own
            .iter()
            .zip(other)
            .fold(own.len() ^ other.len(), |sum, (a, b)| sum | usize::from(a ^ b));
        difference == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_and_matches_itself_alone() {
        let secret = Secret::new("0123456789abcdef".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert!(secret.matches("0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeF"] {
            assert!(!secret.matches(other), "{other}");
        }
    }
}
