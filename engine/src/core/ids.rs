//! Names and numbers that the core uses, one type each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the two regions that can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Region {
    /// The policy's primary: where the platform serves in normal times, and comes home to.
    Home,
    /// The policy's standby.
    Away,
}

impl Region {
    /// Both regions, home first.
    pub const BOTH: [Self; 2] = [Self::Home, Self::Away];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Home => Self::Away,
            Self::Away => Self::Home,
        }
    }

    /// 0 for home, 1 for away.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The position of a witness in the policy's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WitnessId(pub u8);

/// A term of office: it rises by one with every role change and never falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch of the next role change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One sidecar of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SidecarId(pub u16);

/// Marks who wrote last, so that an outcome that never arrived can be settled by reading back. Made of the process's
/// incarnation and a counter, so it is unique without randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Nonce {
    /// Which process: chosen by the shell, different for every start of every sidecar.
    pub incarnation: u64,
    /// Which write of that process.
    pub serial: u64,
}

/// One effect of one engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectId(pub u64);

/// One of the two switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// Served from the standby region, by API Gateway straight from a DynamoDB item.
    A,
    /// Served from the witness region, by an object store.
    B,
}

impl Switch {
    /// Both switches.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// 0 for A, 1 for B.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}
