//! The policies that are shipped, built in.

use crate::model::Policy;
use crate::source::{Diagnostics, Source};

/// A policy that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its name, which is the file's name without `.toml`.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

/// The default: a trading platform that must be back within 60 seconds, loss of data bounded by replication lag.
pub const TRADING: Shipped = Shipped {
    name: "trading",
    text: include_str!("../trading.toml"),
};

/// More evidence, Aurora's managed failover, and people where there is time for them.
pub const CAUTIOUS: Shipped = Shipped {
    name: "cautious",
    text: include_str!("../cautious.toml"),
};

/// Quicker to decide, and easier to fool.
pub const FAST: Shipped = Shipped {
    name: "fast",
    text: include_str!("../fast.toml"),
};

/// The lease in one ordinary table: the loss of the standby stops the primary as well.
pub const SINGLE_TABLE_LEASE: Shipped = Shipped {
    name: "single-table-lease",
    text: include_str!("../single-table-lease.toml"),
};

/// Two PostgreSQL servers in a local network, promoted by the engine itself.
pub const LOCAL_POSTGRES: Shipped = Shipped {
    name: "local-postgres",
    text: include_str!("../local-postgres.toml"),
};

/// Every shipped policy, the default first.
pub const ALL: &[Shipped] = &[TRADING, CAUTIOUS, FAST, SINGLE_TABLE_LEASE, LOCAL_POSTGRES];

impl Shipped {
    /// The one of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        ALL.iter().copied().find(|shipped| shipped.name == name)
    }

    /// Its text as a source, named like the file.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::new(&format!("{}.toml", self.name), self.text)
    }

    /// The typed policy.
    ///
    /// # Errors
    /// Never for a release: a test reads every shipped policy.
    pub fn policy(&self) -> Result<Policy, Diagnostics> {
        crate::policy::parse(&format!("{}.toml", self.name), self.text)
    }
}

/// The default policy.
///
/// # Panics
/// Never for a release: a test reads it.
#[must_use]
pub fn trading() -> Policy {
    match TRADING.policy() {
        Ok(policy) => policy,
        Err(diagnostics) => panic!("the built-in policy is invalid:\n{diagnostics}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Document;
    use crate::source::Severity;

    #[test]
    fn every_shipped_policy_has_the_right_form_and_the_name_of_its_file() {
        for shipped in ALL {
            let policy = shipped.policy().unwrap_or_else(|wrong| panic!("{wrong}"));
            assert_eq!(policy.name, shipped.name);
        }
    }

    #[test]
    fn every_shipped_policy_is_checked_without_errors_and_warnings() {
        for shipped in ALL {
            let found = crate::check(&Document::read(&shipped.source()).unwrap());
            let grave = found
                .findings()
                .iter()
                .filter(|finding| finding.severity > Severity::Note);
            assert_eq!(grave.count(), 0, "{found}");
        }
    }
}
