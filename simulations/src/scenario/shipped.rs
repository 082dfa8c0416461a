//! The scenarios that are shipped, built in.

use understudy_policies::source::{Diagnostics, Source};

use super::model::Scenario;
use super::read::read;

/// A scenario that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its name, which is the file's name without `.toml`.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        /// Every shipped scenario, the plain ones first, then the incidents by date.
        pub const ALL: &[Shipped] = &[$(Shipped {
            name: $name,
            text: include_str!(concat!("../../scenarios/", $name, ".toml")),
        }),+];
    };
}

shipped![
    "region-loss",
    "region-loss-and-return",
    "standby-loss",
    "partition",
    "github-2018-10-21-partition",
    "aws-2020-11-25-kinesis",
    "aws-2021-12-07-network",
    "aws-2021-12-07-network-api",
    "aws-2025-10-20-dynamodb-dns",
];

/// The one of this name.
#[must_use]
pub fn find(name: &str) -> Option<Shipped> {
    ALL.iter().copied().find(|shipped| shipped.name == name)
}

impl Shipped {
    /// Its text as a source, named like the file.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::new(&format!("{}.toml", self.name), self.text)
    }

    /// The typed scenario.
    ///
    /// # Errors
    /// Never for a release: a test reads every shipped scenario.
    pub fn scenario(&self) -> Result<Scenario, Diagnostics> {
        read(&self.source())
    }
}
