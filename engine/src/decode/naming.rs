//! The names by which the platform's own resources are found again in events. The provisioner creates them by the
//! same functions, so the two cannot drift apart.
//!
//! | Resource | Name |
//! |--|--|
//! | alarm | `understudy-<environment>-<observed region>-<witness>` |
//! | state machine | `understudy-<environment>-<its region>-failover` or `…-failback` |
//! | database cluster and instance | `understudy-<environment>-…` |
//! | parameter | `/understudy/<environment>/…` |
//! | queue, topic | `understudy-<environment>-<its region>-events`, `…-dead-letters`, `…-operators` |
//! | table, bucket, global cluster | `understudy-<environment>-lease`, `…-switches`, `…-order-path`, `…-global` |
//! | what the public name leads to while a region serves | `to-<region>.<public name>` |

use std::fmt;

use understudy_policies::model::RegionName;

use crate::core::lease::RoleChangeKind;

/// The suffix that tells one deployment from another in the same account, such as `prod`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Environment(String);

/// A text that cannot be part of every resource's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be an environment; take 1 to 16 lower-case letters, digits and single dashes, beginning with a \
     letter and not ending with a dash"
)]
pub struct InvalidEnvironment(String);

impl Environment {
    /// Takes 1 to 16 lower-case letters, digits and dashes. Two dashes in a row are refused because RDS refuses them.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn new(text: &str) -> Result<Self, InvalidEnvironment> {
        let fits = (1..=16).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.ends_with('-')
            && !text.contains("--");
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEnvironment(text.chars().take(40).collect()))
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes and recognises the names of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// `understudy-<environment>-`
    prefix: String,
    /// `/understudy/<environment>/`
    parameters: String,
}

impl Naming {
    /// The names of one environment.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        Self {
            prefix: format!("understudy-{environment}-"),
            parameters: format!("/understudy/{environment}/"),
        }
    }

    /// The alarm of a witness that observes `target`, wherever the alarm itself is.
    #[must_use]
    pub fn alarm(&self, target: &RegionName, witness: &str) -> String {
        format!("{}{target}-{witness}", self.prefix)
    }

    /// The state machine for one way, in the region that runs it.
    #[must_use]
    pub fn machine(&self, region: &RegionName, way: RoleChangeKind) -> String {
        let way = match way {
            RoleChangeKind::Failover => "failover",
            RoleChangeKind::Failback => "failback",
        };
        format!("{}{region}-{way}", self.prefix)
    }

    /// A database cluster or instance: `role` says which.
    #[must_use]
    pub fn database(&self, region: &RegionName, role: &str) -> String {
        format!("{}{region}-{role}", self.prefix)
    }

    /// A resource that belongs to one region and that no event names: `role` says which.
    #[must_use]
    pub fn regional(&self, region: &RegionName, role: &str) -> String {
        format!("{}{region}-{role}", self.prefix)
    }

    /// A resource that spans regions, or of which there is one: `role` says which.
    #[must_use]
    pub fn shared(&self, role: &str) -> String {
        format!("{}{role}", self.prefix)
    }

    /// A parameter of a region's configuration.
    #[must_use]
    pub fn parameter(&self, region: &RegionName, name: &str) -> String {
        format!("{}{region}/{name}", self.parameters)
    }

    /// What follows `understudy-<environment>-`, if a name begins so.
    pub(super) fn strip<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(self.prefix.as_str())
    }

    /// Whether a parameter is one of the platform's.
    pub(super) fn owns_parameter(&self, name: &str) -> bool {
        name.starts_with(self.parameters.as_str())
    }
}

/// What begins the name of an execution that only looks. It stands in nobody's way, and is no sign of a failover.
pub const DRY_RUN: &str = "dry-run-";

/// The name that the public name leads to while `region` serves. It leads on to what API Gateway gave for the public name
/// in that region, and stays the same when that is made anew: a record can be pinned to it before anything is there.
#[must_use]
pub fn entry_name(public_name: &str, region: &RegionName) -> String {
    format!("to-{region}.{public_name}")
}

/// What follows `<region>-`, if a text begins so.
pub(super) fn strip_region<'a>(text: &'a str, region: &RegionName) -> Option<&'a str> {
    text.strip_prefix(region.as_str())?.strip_prefix('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_fits_into_every_name() {
        for good in ["p", "prod", "prod-2", "a1-b2-c3"] {
            assert!(Environment::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Prod",
            "2prod",
            "prod-",
            "-prod",
            "pro--d",
            "pro_d",
            "pröd",
            "a-name-far-too-long",
        ] {
            assert!(Environment::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_environment_does_not_own_the_names_of_another() -> Result<(), Box<dyn std::error::Error>> {
        let prod = Naming::new(&Environment::new("prod")?);
        let prod2 = Naming::new(&Environment::new("prod2")?);
        let region = RegionName::new("us-east-1")?;
        assert_eq!(prod.strip(&prod.alarm(&region, "errors")), Some("us-east-1-errors"));
        assert_eq!(prod.strip(&prod2.alarm(&region, "errors")), None);
        assert!(!prod.owns_parameter(&prod2.parameter(&region, "ttl")));
        Ok(())
    }

    #[test]
    fn no_region_is_taken_for_a_longer_one() -> Result<(), String> {
        let region = RegionName::new("us-east-1")?;
        assert_eq!(strip_region("us-east-1-errors", &region), Some("errors"));
        assert_eq!(strip_region("us-east-11-errors", &region), None);
        Ok(())
    }
}
