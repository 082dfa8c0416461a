//! The regions that a policy speaks of.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// The name of an AWS region, such as `us-east-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct RegionName(String);

impl RegionName {
    /// Takes a name of the form `us-east-1`: lower-case words and a number, joined by dashes.
    ///
    /// # Errors
    /// When the text does not have that form.
    pub fn new(name: &str) -> Result<Self, String> {
        let mut parts = name.rsplit('-');
        let number = parts.next().unwrap_or_default();
        let words: Vec<&str> = parts.collect();
        let numbered = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        let worded = words.len() >= 2
            && words
                .iter()
                .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
        if numbered && worded {
            Ok(Self(name.to_owned()))
        } else {
            Err(format!(
                "`{name}` is not the name of an AWS region; write it like `us-east-1`"
            ))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The regions of the platform. All must differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Regions {
    /// The region that serves in normal times, and to which the platform comes home.
    pub primary: RegionName,
    /// The region that takes over.
    pub standby: RegionName,
    /// The region of the observer, of the lease store's third member and of one switch. Orders never run there.
    pub witness: RegionName,
}
