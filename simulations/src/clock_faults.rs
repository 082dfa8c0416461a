//! Whether a scenario's faults of clocks stay inside what the policy declares. The conditions of a run cannot know of
//! them: they come with the scenario.

use understudy_policies::Policy;

use crate::conditions::Conditions;
use crate::report::{ConditionReport, ConditionsReport, seconds};
use crate::scenario::{FaultState, Part, Place, Scenario, Subject};

const REGIONS: [Place; 2] = [Place::Home, Place::Away];

impl Conditions {
    /// Every figure, and those of the scenario's faults of clocks:
    ///
    /// - how far the boot-time clocks drift apart at worst, against `lease.drift-max`;
    /// - how far wall clocks and the databases' clocks are set wrong at worst, against `lease.margin`: a serving row, a
    ///   lease and what was observed may be wrong by that much.
    #[must_use]
    pub fn report_for(&self, policy: &Policy, scenario: &Scenario) -> ConditionsReport {
        let mut report = self.report(policy);
        let own = self.clock_faults(policy, scenario);
        report.within_bounds &= own.iter().all(is_within);
        report.figures.extend(own);
        report
    }

    /// Whether every figure is inside the policy's bounds, and so are the scenario's faults of clocks.
    #[must_use]
    pub fn is_within_bounds_for(&self, policy: &Policy, scenario: &Scenario) -> bool {
        self.clock_faults(policy, scenario).iter().all(is_within) && self.is_within_bounds(policy)
    }

    fn clock_faults(&self, policy: &Policy, scenario: &Scenario) -> Vec<ConditionReport> {
        let mut figures = Vec::new();
        let lease = &policy.lease;
        let rates = [0, 1].map(|region| {
            let faults = of(scenario, Part::Clock, REGIONS[region]).filter_map(|state| match state {
                FaultState::Drifting { ppm } => Some(ppm),
                _ => None,
            });
            faults.chain([self.drift_ppm[region]]).collect::<Vec<i32>>()
        });
        if rates.iter().any(|rates| rates.len() > 1) {
            let apart = rates[0].iter().flat_map(|home| {
                let away = rates[1].iter();
                away.map(|away| (f64::from(*home) - f64::from(*away)).abs())
            });
            figures.push(ConditionReport {
                name: "clocks-drift-apart-at-worst",
                value: apart.fold(0.0, f64::max),
                unit: "ppm",
                bound: Some(lease.drift_max.as_secs_f64() / lease.ttl.as_secs_f64() * 1e6),
                source: "the scenario",
            });
        }
        let clocks = [
            ("wall-clock-stepped-home", Part::Clock, Place::Home),
            ("wall-clock-stepped-away", Part::Clock, Place::Away),
            ("database-clock-stepped-home", Part::DatabaseClock, Place::Home),
            ("database-clock-stepped-away", Part::DatabaseClock, Place::Away),
        ];
        for (name, part, place) in clocks {
            // Two steps may be in force at once.
            let steps: i64 = of(scenario, part, place)
                .map(|state| match state {
                    FaultState::Stepped { by, .. } => i64::try_from(by.as_micros()).unwrap_or(i64::MAX),
                    _ => 0,
                })
                .fold(0, i64::saturating_add);
            if steps > 0 {
                figures.push(ConditionReport {
                    name,
                    value: seconds(steps),
                    unit: "s",
                    bound: Some(lease.margin.as_secs_f64()),
                    source: "the scenario",
                });
            }
        }
        figures
    }
}

fn is_within(figure: &ConditionReport) -> bool {
    figure.bound.is_none_or(|bound| figure.value <= bound)
}

/// The states of the faults of a part.
fn of(scenario: &Scenario, part: Part, place: Place) -> impl Iterator<Item = FaultState> + '_ {
    let subject = Subject::Part { part, place };
    let faults = scenario.faults.iter();
    faults
        .filter(move |fault| fault.subject == subject)
        .map(|fault| fault.state)
}
