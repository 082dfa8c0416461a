//! What a scenario may state beyond the decision and the two figures, judged point by point.

use std::time::Duration;

use understudy_engine::core::decision::Guard;

use super::World;
use super::outcome::CLOCK_TOLERANCE;
use crate::report::{ActualReport, VerdictPoint, words};

/// The verdicts that refuse something.
const REFUSALS: [&str; 5] = ["blocked", "hold", "hold-failback", "would-fail-over", "would-fail-back"];

impl World<'_> {
    pub(super) fn stated_points(&self, actual: &ActualReport) -> Vec<VerdictPoint> {
        let expect = &self.scenario.expect;
        let lost = self.orders_lost;
        [
            expect.failback_by.map(|by| self.home_bound_by(by)),
            expect.interrupted_max.map(|most| self.interrupted_at_most(most)),
            expect
                .failovers
                .map(|failovers| decided_so_often(failovers, actual.failovers)),
            expect.blocked_by.map(|guard| self.refused_because_of(guard)),
            expect
                .needs_operator
                .map(|asked| operator_asked(asked, actual.needs_operator)),
            expect.orders_lost_max.map(|most| lost_at_most(u64::from(most), lost)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether the guard that is to object has done so, and an operator was asked if one is to be.
    pub(super) fn guards_and_operators_as_stated(&self) -> bool {
        let expect = &self.scenario.expect;
        let blocked = expect
            .blocked_by
            .is_none_or(|guard| self.refused_because_of(guard).right);
        blocked
            && expect
                .needs_operator
                .is_none_or(|asked| asked == self.record.needs_operator)
    }

    /// Exactly the invariants that the scenario names are broken.
    pub(super) fn invariant_points(&self) -> Vec<VerdictPoint> {
        let expected = &self.scenario.expect.breaks;
        let broken = |name: &str| self.record.violations.iter().any(|it| it.invariant == name);
        let stated = expected.iter().map(|name| {
            let right = broken(name);
            let text = if right {
                format!("an invariant is broken that ought to be: {name}")
            } else {
                format!("an invariant holds that ought to be broken: {name}")
            };
            VerdictPoint { right, text }
        });
        let others = self.judged() - expected.len();
        let violations = self.record.violations.iter();
        let unexpected = violations.filter(|it| !expected.contains(&it.invariant)).count();
        let text = match unexpected {
            0 if expected.is_empty() => format!("all {others} invariants hold"),
            0 => format!("the other {others} invariants hold"),
            1 => "an invariant was broken".to_owned(),
            count => format!("invariants were broken {count} times"),
        };
        let right = unexpected == 0;
        stated.chain([VerdictPoint { right, text }]).collect()
    }

    fn home_bound_by(&self, by: Duration) -> VerdictPoint {
        let began = self.record.failback.map(|at| at.since(self.onset));
        let latest = words::duration(by);
        VerdictPoint {
            right: began.is_some_and(|began| began <= by + CLOCK_TOLERANCE),
            text: match began {
                Some(began) => format!(
                    "coming home began {} after the onset; it must have by {latest}",
                    words::duration(began)
                ),
                None => format!("nothing went home within the run; it must have begun by {latest}"),
            },
        }
    }

    fn interrupted_at_most(&self, most: Duration) -> VerdictPoint {
        let total: Duration = self.placing.total();
        VerdictPoint {
            right: total <= most,
            text: format!(
                "clients could not place orders for {}; at most {} is expected",
                words::duration(total),
                words::duration(most)
            ),
        }
    }

    fn refused_because_of(&self, guard: Guard) -> VerdictPoint {
        let name = words::guard(guard);
        let names = |finding: &crate::report::FindingReport| finding.guard == name && !finding.passed;
        let mut decisions = self.record.decisions.iter();
        let right =
            decisions.any(|decision| REFUSALS.contains(&decision.verdict) && decision.findings.iter().any(names));
        let text = if right {
            format!("a refusal names the guard `{name}`")
        } else {
            format!("no refusal names the guard `{name}`, and one ought to")
        };
        VerdictPoint { right, text }
    }
}

fn decided_so_often(expected: u32, found: u32) -> VerdictPoint {
    VerdictPoint {
        right: expected == found,
        text: format!("failovers decided: {found}; expected: {expected}"),
    }
}

fn operator_asked(expected: bool, found: bool) -> VerdictPoint {
    let did = if found { "an engine asked" } else { "no engine asked" };
    let ought = if expected { "one ought to" } else { "none ought to" };
    VerdictPoint {
        right: expected == found,
        text: format!("{did} an operator to take over; {ought}"),
    }
}

fn lost_at_most(most: u64, lost: u64) -> VerdictPoint {
    VerdictPoint {
        right: lost <= most,
        text: format!("acknowledged orders lost: {lost}; at most {most} expected"),
    }
}
