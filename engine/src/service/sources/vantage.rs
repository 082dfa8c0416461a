//! Which witnesses a process is: the policy names them, and where a process stands says which of them it can be.
//!
//! | Failure domain, or kind | Who looks | Who hears |
//! |--|--|--|
//! | `target-region` | each sidecar, at its own region | itself |
//! | `peer-region` | each sidecar, at the other region | itself |
//! | `witness-region` | the observer, at both regions | every sidecar of both regions |
//! | `reference` | each sidecar, at the platform file's references | itself, about its own region |
//! | `replication-lag` | each sidecar, at its own replica | itself, about the writer's region |
//! | `heartbeat` | – | every sidecar of the other region |
//!
//! The policy's checker refuses a probe anywhere else (UP222): nobody would look. The simulator's probes follow the same
//! rules. Alarms, Route 53's checks and AWS Health come as events; the core
//! watches the lease by itself.

use understudy_policies::model::{Component, FailureDomain, Witness, WitnessKind};

use crate::core::ids::{Region, WitnessId};
use crate::service::platform::Place;

/// One thing that a process does again and again for one witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Duty {
    pub(super) witness: WitnessId,
    pub(super) target: Region,
    pub(super) task: Task,
}

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Asks the target's health path.
    AskHealth,
    /// Asks the health path that goes through to the target's database.
    AskDatabaseHealth,
    /// Looks at the target's database over a connection of its own.
    ProbeDatabase,
    /// Asks something outside both regions.
    AskReferences,
    /// Measures how far the own region's replica lags behind the target.
    MeasureLag,
    /// Tells the other region that this one lives.
    SendHeartbeat,
}

/// Everything that a process at this place does for these witnesses. A witness keeps its position as its id.
pub(super) fn duties(place: Place, witnesses: &[Witness]) -> Vec<Duty> {
    (0..=u8::MAX)
        .zip(witnesses)
        .flat_map(|(index, witness)| {
            let duty = move |(target, task)| Duty {
                witness: WitnessId(index),
                target,
                task,
            };
            match place {
                Place::Serving(own) => as_sidecar(own, witness).into_iter().map(duty).collect(),
                Place::Witness => as_observer(witness).into_iter().map(duty).collect::<Vec<_>>(),
            }
        })
        .collect()
}

fn as_sidecar(own: Region, witness: &Witness) -> Option<(Region, Task)> {
    match (witness.kind, witness.failure_domain) {
        (WitnessKind::Heartbeat, _) => Some((own, Task::SendHeartbeat)),
        (WitnessKind::ReplicationLag, _) => Some((own.other(), Task::MeasureLag)),
        (WitnessKind::Reference, _) => Some((own, Task::AskReferences)),
        (_, FailureDomain::TargetRegion) => Some((own, look(witness)?)),
        (_, FailureDomain::PeerRegion) => Some((own.other(), look(witness)?)),
        (_, FailureDomain::WitnessRegion | FailureDomain::Internet | FailureDomain::Provider) => None,
    }
}

fn as_observer(witness: &Witness) -> Vec<(Region, Task)> {
    if is_observers(witness)
        && let Some(task) = look(witness)
    {
        Region::BOTH.map(|target| (target, task)).into()
    } else {
        Vec::new()
    }
}

/// Whether a witness is the observer, whose word sidecars take from outside.
pub(super) fn is_observers(witness: &Witness) -> bool {
    witness.failure_domain == FailureDomain::WitnessRegion && look(witness).is_some()
}

fn look(witness: &Witness) -> Option<Task> {
    match (witness.kind, witness.observes) {
        (WitnessKind::HttpProbe, Component::Database) => Some(Task::AskDatabaseHealth),
        (WitnessKind::HttpProbe, _) => Some(Task::AskHealth),
        (WitnessKind::DatabaseProbe, _) => Some(Task::ProbeDatabase),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use understudy_policies::check;
    use understudy_policies::policy::Document;
    use understudy_policies::shipped::trading;
    use understudy_policies::source::Source;

    use super::*;

    fn named(place: Place) -> Vec<(String, Region, Task)> {
        let policy = trading();
        duties(place, &policy.witnesses)
            .into_iter()
            .map(|duty| {
                let name = policy.witnesses[usize::from(duty.witness.0)].name.clone();
                (name, duty.target, duty.task)
            })
            .collect()
    }

    #[test]
    fn a_sidecar_looks_at_both_regions_and_speaks_for_its_own() {
        use Region::{Away, Home};
        let expected = [
            ("peer-application", Home, Task::AskHealth),
            ("peer-database", Home, Task::ProbeDatabase),
            ("self-application", Away, Task::AskHealth),
            ("self-database", Away, Task::ProbeDatabase),
            ("heartbeat", Away, Task::SendHeartbeat),
            ("replication-lag", Home, Task::MeasureLag),
            ("reference", Away, Task::AskReferences),
        ];
        let expected = expected.map(|(name, target, task)| (name.to_owned(), target, task));
        assert_eq!(named(Place::Serving(Away)), expected);
    }

    #[test]
    fn a_probe_for_which_nobody_looks_is_refused_with_its_policy() {
        let shipped = include_str!("../../../../policies/trading.toml");
        let observer =
            "kind = \"http-probe\"\nobserves = \"application\"\nfailure-domain = \"witness-region\"\nquorum = true";
        assert!(shipped.contains(observer));
        let mut attended = 0;
        for (kind, component) in [
            ("http-probe", "application"),
            ("http-probe", "database"),
            ("database-probe", "database"),
        ] {
            for domain in ["target-region", "peer-region", "witness-region", "internet", "provider"] {
                // It does not count, so that nothing but its own place can be wrong with it.
                let moved = format!(
                    "kind = \"{kind}\"\nobserves = \"{component}\"\nfailure-domain = \"{domain}\"\nquorum = false"
                );
                let source = Source::new("trading.toml", &shipped.replacen(observer, &moved, 1));
                let document = Document::read(&source).unwrap();
                let refused = check(&document).findings().iter().any(|found| found.code == "UP222");
                let witness = document
                    .policy()
                    .witnesses
                    .iter()
                    .position(|it| it.name == "observer-application");
                let places = [
                    Place::Serving(Region::Home),
                    Place::Serving(Region::Away),
                    Place::Witness,
                ];
                let looks = places.into_iter().any(|place| {
                    let duties = duties(place, &document.policy().witnesses);
                    duties.iter().any(|duty| Some(usize::from(duty.witness.0)) == witness)
                });
                assert!(looks || refused, "{kind} of the {component} in {domain}");
                attended += usize::from(!refused);
            }
        }
        assert_eq!(attended, 8);
    }

    #[test]
    fn the_observer_looks_at_both_regions() {
        use Region::{Away, Home};
        let expected = [
            ("observer-application", Home, Task::AskHealth),
            ("observer-application", Away, Task::AskHealth),
            ("observer-database", Home, Task::AskDatabaseHealth),
            ("observer-database", Away, Task::AskDatabaseHealth),
        ];
        let expected = expected.map(|(name, target, task)| (name.to_owned(), target, task));
        assert_eq!(named(Place::Witness), expected);
    }
}
