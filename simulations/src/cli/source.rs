//! Where the timelines of `campaign` and `replay` come from.

use std::time::Duration;

use understudy_policies::{Policy, duration};
use understudy_simulations::campaign::{HORIZON, HORIZON_MIN, Source, Workload};

use super::input::{self, Refusal};
use super::{DrawnArguments, WorkloadName};

/// What to draw from, and what to run it under.
pub(super) struct Drawn {
    pub(super) source: Source,
    pub(super) policy: Policy,
    /// The options that say the same again.
    pub(super) options: String,
}

impl Drawn {
    pub(super) fn new(arguments: &DrawnArguments) -> Result<Self, Refusal> {
        let horizon = arguments.horizon;
        let (source, policy, mut options) = if let Some(name) = &arguments.scenario {
            let scenario = input::scenario(name)?;
            let policy = input::policy(arguments.policy.as_deref(), &scenario.policy)?;
            let options = format!("--scenario {name}");
            (Source::Scenario(Box::new(scenario), horizon), policy, options)
        } else {
            let workload = Workload::from(arguments.workload);
            let horizon = horizon.unwrap_or(HORIZON);
            if horizon < HORIZON_MIN {
                return Err(Refusal::ShortHorizon(horizon));
            }
            let policy = arguments.policy.as_deref();
            let policy = input::policy(policy, understudy_policies::shipped::TRADING.name)?;
            let options = format!("--workload {}", workload.name());
            (Source::Workload(workload, horizon), policy, options)
        };
        if let Some(horizon) = horizon {
            options.push_str(&format!(" --horizon {}", duration::format(horizon)));
        }
        if let Some(policy) = &arguments.policy {
            options.push_str(&format!(" --policy {policy}"));
        }
        Ok(Self {
            source,
            policy,
            options,
        })
    }
}

impl From<WorkloadName> for Workload {
    fn from(name: WorkloadName) -> Self {
        match name {
            WorkloadName::Quiet => Self::Quiet,
            WorkloadName::Flapping => Self::Flapping,
            WorkloadName::Outages => Self::Outages,
            WorkloadName::Mixed => Self::Mixed,
        }
    }
}

/// A horizon as the command line has it.
pub(super) fn horizon(text: &str) -> Result<Duration, String> {
    const LEAST: Duration = Duration::from_secs(60);
    const MOST: Duration = Duration::from_secs(7 * 86_400);
    let horizon = duration::parse(text)?;
    if (LEAST..=MOST).contains(&horizon) {
        Ok(horizon)
    } else {
        Err("a timeline is followed for 1m to 7d".to_owned())
    }
}
