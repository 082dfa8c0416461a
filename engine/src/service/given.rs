//! Where a text is that a process is started with: in a file, or in a variable of its environment.
//!
//! Where containers run without a folder that they share, such as ECS on Fargate, what a sidecar needs is handed to it in its
//! environment, out of a store of secrets.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use understudy_policies::source::{Source, Unreadable};

/// How a variable is written where a file is expected.
const SCHEME: &str = "env:";
/// Every variable's name begins with it, so that none is handed on to a command that the engine runs.
pub(super) const PREFIX: &str = "UNDERSTUDY_";

/// Where a text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// In a file. `-` is standard input.
    File(PathBuf),
    /// In a variable of the environment, written `env:NAME`. It is what it was when the process started.
    Variable(String),
}

/// A text that is not there.
#[derive(Debug, thiserror::Error)]
pub enum NotGiven {
    /// The file.
    #[error(transparent)]
    File(#[from] Unreadable),
    /// The variable.
    #[error("`{SCHEME}{0}` names a variable that is not set; set it, or name a file")]
    Unset(String),
    /// Not text.
    #[error("the variable {0} is not UTF-8 text")]
    NotUtf8(String),
}

/// A variable that is not to be read.
#[derive(Debug, thiserror::Error)]
#[error("`{SCHEME}{0}` is no variable of ours; its name begins with `{PREFIX}`, as in `{SCHEME}{PREFIX}POLICY`")]
pub struct NotOurs(String);

impl Given {
    /// The text, under the name that messages show.
    ///
    /// # Errors
    /// When it is not there, is not text, or, in a file, is too large.
    pub fn source(&self) -> Result<Source, NotGiven> {
        match self {
            Self::File(path) => Ok(Source::read(path)?),
            Self::Variable(name) => Ok(Source::new(&self.to_string(), &variable(name)?)),
        }
    }

    /// Where it is, in words.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::File(path) => format!("the file {}", path.display()),
            Self::Variable(name) => format!("the variable {name}"),
        }
    }

    /// The text, which may be a secret: it is in no message.
    pub(super) fn text(&self) -> io::Result<String> {
        match self {
            Self::File(path) => std::fs::read_to_string(path),
            Self::Variable(name) => variable(name).map_err(io::Error::other),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an argument has named the variable: it stands for a file"
)]
fn variable(name: &str) -> Result<String, NotGiven> {
    match std::env::var(name) {
        Ok(text) => Ok(text),
        Err(std::env::VarError::NotPresent) => Err(NotGiven::Unset(name.to_owned())),
        // What it holds is not shown.
        Err(std::env::VarError::NotUnicode(_)) => Err(NotGiven::NotUtf8(name.to_owned())),
    }
}

impl FromStr for Given {
    type Err = NotOurs;

    fn from_str(text: &str) -> Result<Self, NotOurs> {
        match text.strip_prefix(SCHEME) {
            None => Ok(Self::File(PathBuf::from(text))),
            Some(name) if name.starts_with(PREFIX) => Ok(Self::Variable(name.to_owned())),
            Some(name) => Err(NotOurs(name.to_owned())),
        }
    }
}

impl From<&Path> for Given {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => write!(f, "{SCHEME}{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_a_variable_are_told_apart() {
        let file: Given = "policies/trading.toml".parse().unwrap();
        assert_eq!(file, Given::File("policies/trading.toml".into()));
        let variable: Given = "env:UNDERSTUDY_POLICY".parse().unwrap();
        assert_eq!(variable, Given::Variable("UNDERSTUDY_POLICY".to_owned()));
        assert_eq!(variable.to_string(), "env:UNDERSTUDY_POLICY");
    }

    #[test]
    fn a_variable_that_is_not_ours_or_not_set_is_refused_by_name() {
        let wrong = "env:AWS_SECRET_ACCESS_KEY".parse::<Given>().unwrap_err().to_string();
        assert!(
            wrong.contains("AWS_SECRET_ACCESS_KEY") && wrong.contains(PREFIX),
            "{wrong}"
        );
        let unset: Given = "env:UNDERSTUDY_NOBODY_SETS_THIS".parse().unwrap();
        for said in [
            unset.source().unwrap_err().to_string(),
            unset.text().unwrap_err().to_string(),
        ] {
            assert!(
                said.contains("`env:UNDERSTUDY_NOBODY_SETS_THIS` names a variable that is not set"),
                "{said}"
            );
        }
    }
}
