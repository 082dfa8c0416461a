//! How a scenario is staged: what is left out of it, how fast it suits, and who takes part.

use std::net::SocketAddr;
use std::time::Duration;

use rand::Rng;
use understudy_engine::core::time::{Timestamp, WallTime};
use understudy_engine::service::clock::{Clock, DrillTime};
use understudy_engine::service::parts::http::client;
use understudy_policies::Policy;
use understudy_policies::figures::ALIAS_TTL;
use understudy_policies::model::{Mode, RecordType};

use super::clients::{Client, INTERVAL};
use super::governor::Speed;
use super::{Failure, Tell};
use crate::conditions::{Conditions, Spread};
use crate::scenario::{ExpectedDecision, Fault, Origin, Part, Scenario, Subject};

/// Until the onset: processes start, witnesses settle, the lag is measured twice.
const SETTLE: Duration = Duration::from_secs(20);
/// Clients. A choice: enough for 95 % of them to be a whole number, and few enough for a laptop.
const CLIENTS: u16 = 50;
/// What is followed at real time unless somebody asks for another speed.
const AT_REAL_TIME: Duration = Duration::from_secs(180);
/// How long a failover takes to its end, DNS and everything included.
const FAILOVER: Duration = Duration::from_secs(120);
/// How long after its last fault a scenario is followed that expects nothing to happen.
const NOTHING: Duration = Duration::from_secs(180);

/// Why a scenario is none for a drill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unplayable {
    /// All processes of a drill share one clock.
    #[error(
        "`{scenario}` sets the clocks of sidecars, and all processes of a drill share the machine's; \
         `understudy-sim run {scenario}` plays it"
    )]
    Clocks {
        /// Which scenario.
        scenario: String,
    },
    /// It begins with transactions that stand still.
    #[error(
        "`{scenario}` pauses transactions in the middle, and the drill's database is a stand-in that has none; \
         `understudy-sim run {scenario}` plays it"
    )]
    Transactions {
        /// Which scenario.
        scenario: String,
    },
}

/// Whether a scenario can be drilled.
///
/// # Errors
/// With what cannot be played, and what plays it.
pub fn check(scenario: &Scenario) -> Result<(), Unplayable> {
    let touches = |wanted: Part| {
        let part = |fault: &Fault| matches!(fault.subject, Subject::Part { part, .. } if part == wanted);
        scenario.faults.iter().any(part)
    };
    let scenario = scenario.name.clone();
    if touches(Part::Clock) {
        return Err(Unplayable::Clocks { scenario });
    }
    if touches(Part::Transactions) {
        return Err(Unplayable::Transactions { scenario });
    }
    Ok(())
}

/// The scenario as it is staged: the same from the onset on, with less before it.
pub(crate) fn staged(scenario: &Scenario) -> Scenario {
    let before = scenario.faults.iter().map(|fault| fault.origin);
    let before = before.chain(scenario.operations.iter().map(|operation| operation.origin));
    let earliest = before.map(|origin| match origin {
        Origin::BeforeOnset(before) => before + SETTLE,
        _ => SETTLE,
    });
    let onset = earliest.max().unwrap_or(SETTLE);
    let left_out = millis(scenario.onset) - millis(onset);
    Scenario {
        start: WallTime::from_millis(scenario.start.as_millis() + left_out),
        onset,
        horizon: onset + scenario.length_from_onset(),
        ..scenario.clone()
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// How long the scenario will be followed from its onset, as far as that can be known.
pub(crate) fn follows(scenario: &Scenario) -> Duration {
    let expect = &scenario.expect;
    let ends_at_home = expect.failback_by.is_some() || expect.ends_in == Some(scenario.begins_in);
    let changes = last_change(scenario);
    match expect.decision {
        ExpectedDecision::FailOver if !ends_at_home => (changes + FAILOVER).min(scenario.length_from_onset()),
        ExpectedDecision::Hold if all_end(scenario) => (changes + NOTHING).min(scenario.length_from_onset()),
        _ => scenario.length_from_onset(),
    }
}

/// Whether every fault is over at some time.
pub(crate) fn all_end(scenario: &Scenario) -> bool {
    scenario.faults.iter().all(|fault| fault.until.is_some())
}

/// When the last fault begins or ends, or an operator acts, as far as that is known.
pub(crate) fn last_change(scenario: &Scenario) -> Duration {
    changes(scenario).max().unwrap_or_default()
}

/// Everything that is known to change, from the onset on.
pub(crate) fn changes(scenario: &Scenario) -> impl Iterator<Item = Duration> + '_ {
    let faults = scenario.faults.iter().flat_map(|fault| {
        let at = |after: Duration| match fault.origin {
            Origin::BeforeOnset(before) => after.saturating_sub(before),
            _ => after,
        };
        [Some(at(fault.at)), fault.until.map(at)]
    });
    let operations = scenario.operations.iter().map(|operation| Some(operation.at));
    faults.chain(operations).flatten()
}

/// The speed that suits a scenario.
pub(crate) fn speed_for(scenario: &Scenario) -> Speed {
    if follows(scenario) <= AT_REAL_TIME {
        Speed::Fixed(1.0)
    } else {
        Speed::Adaptive
    }
}

/// The conditions of a drill: those of a run with this seed, without what is real here.
pub(crate) fn conditions(policy: &Policy, scenario: &Scenario, rng: &mut impl Rng) -> Conditions {
    Conditions {
        signal_delivery: Spread::constant(Duration::ZERO),
        engine_turn: Duration::ZERO,
        drift_ppm: [0; 2],
        wall_offset_millis: [0; 2],
        clients: CLIENTS,
        ..Conditions::modelled(policy, rng).as_stated_by(scenario)
    }
}

/// The text of a policy, in the mode in which a scenario has it run.
pub(crate) fn text_under(text: &str, scenario: &Scenario) -> String {
    let Some(mode) = scenario.mode else {
        return text.to_owned();
    };
    let name = match mode {
        Mode::Armed => "armed",
        Mode::Shadow => "shadow",
    };
    let line = |line: &str| {
        if line.trim_start().starts_with("mode = \"") {
            format!("mode = \"{name}\"\n")
        } else {
            format!("{line}\n")
        }
    };
    // The policy's own mode stands before its first table.
    let head = text.find("\n[").unwrap_or(text.len());
    let (head, rest) = text.split_at(head);
    head.lines().map(line).collect::<String>() + rest.trim_start_matches('\n')
}

/// The clients of a drill.
#[derive(Debug)]
pub(crate) struct Audience {
    /// How long each client's resolver keeps an answer. Those that stretch TTLs come first.
    pub(crate) keeps: Vec<Duration>,
    pub(crate) stretching: usize,
}

impl Audience {
    pub(crate) fn new(policy: &Policy, conditions: &Conditions, rng: &mut impl Rng) -> Self {
        let ttl = match policy.traffic.record {
            RecordType::Cname => policy.traffic.ttl,
            RecordType::Alias => ALIAS_TTL,
        };
        let stretching = conditions.stretching_clients();
        let keeps = (0..conditions.clients).map(|client| {
            if client < stretching {
                let (least, most) = conditions.stretch;
                ttl + least + (most - least).mul_f64(rng.random())
            } else {
                ttl
            }
        });
        Self {
            keeps: keeps.collect(),
            stretching: usize::from(stretching),
        }
    }

    /// The clients, each with its orders at moments of its own.
    pub(crate) fn clients(&self, stage: SocketAddr, clock: Clock, tell: &Tell) -> Result<Vec<Client>, Failure> {
        let http = client()?;
        let count = u32::try_from(self.keeps.len()).unwrap_or(u32::MAX).max(1);
        let client = |(number, keeps): (usize, &Duration)| Client {
            number,
            stage,
            clock,
            http: http.clone(),
            tell: tell.clone(),
            keeps: *keeps,
            begins: begins(number, count),
        };
        Ok(self.keeps.iter().enumerate().map(client).collect())
    }
}

fn begins(number: usize, of: u32) -> Timestamp {
    let share = INTERVAL / of;
    DrillTime::boot_at(0).after(share * u32::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use understudy_policies::shipped;

    use super::*;
    use crate::scenario::shipped as scenarios;

    fn scenario(name: &str) -> Scenario {
        scenarios::find(name).unwrap().scenario().unwrap()
    }

    #[test]
    fn a_staged_scenario_has_the_same_onset_on_the_wall_clock_and_the_same_length() {
        for shipped in scenarios::ALL {
            let whole = shipped.scenario().unwrap();
            let staged = staged(&whole);
            let onset = |scenario: &Scenario| scenario.start.as_millis() + millis(scenario.onset);
            assert_eq!(onset(&staged), onset(&whole), "{}", whole.name);
            assert_eq!(staged.length_from_onset(), whole.length_from_onset(), "{}", whole.name);
            assert!(staged.onset >= SETTLE, "{}", whole.name);
        }
    }

    #[test]
    fn what_is_short_is_drilled_at_real_time_and_what_is_long_is_not() {
        assert_eq!(speed_for(&staged(&scenario("region-loss"))), Speed::Fixed(1.0));
        assert_eq!(speed_for(&staged(&scenario("region-loss-and-return"))), Speed::Adaptive);
    }

    #[test]
    fn scenarios_about_clocks_are_refused_with_what_plays_them() {
        let refused = check(&scenario("clock-drift")).unwrap_err();
        assert!(refused.to_string().contains("understudy-sim run clock-drift"));
        assert_eq!(check(&scenario("region-loss")), Ok(()));
    }

    #[test]
    fn a_shadow_scenario_gives_the_engines_a_shadow_policy() {
        let shadow = scenario("shadow-mode");
        let text = text_under(shipped::TRADING.text, &shadow);
        let source = understudy_policies::source::Source::new("policy.toml", &text);
        let policy = understudy_policies::policy::Document::read(&source)
            .unwrap()
            .into_policy();
        assert_eq!(policy, shadow.under(&shipped::trading()).into_owned());
    }
}
