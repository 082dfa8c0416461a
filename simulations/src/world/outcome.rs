//! The end of a run: the report, and whether what happened is what ought to.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::ledger::Phase;
use understudy_engine::core::machine::StateName;

use super::World;
use super::availability::Interruption;
use super::clients::Acceptance;
use super::clock::Moment;
use super::record::span_seconds;
use crate::digest::Digest;
use crate::invariants;
use crate::report::{
    ActualReport, DisregardedReport, ExpectedReport, InvariantReport, LedgerReport, OrdersReport, PhaseReport, Report,
    ScenarioReport, StandingReport, VerdictPoint, VerdictReport, seconds, words,
};
use crate::scenario::{ExpectedDecision, Part, Place};

/// Calendars and soaks are judged on clocks that may be ahead of true time.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::from_secs(1);

/// A phase that is longer by no more than this is not called an overrun: timers and drifting clocks are no finer.
const OVERRUN_TOLERANCE: Duration = Duration::from_millis(10);

impl World<'_> {
    /// Closes the books.
    pub(super) fn close(&mut self) {
        self.clients.count_until(self.now);
        self.close_invariants();
        for availability in [&mut self.placing, &mut self.stretched_placing, &mut self.processing] {
            availability.finish(self.now);
        }
        self.keep_unfinished_ledger();
        self.tell_what_never_began();
    }

    fn ends_in(&self) -> Option<Region> {
        Region::BOTH
            .into_iter()
            .find(|region| self.clients.acceptance(*region) == Acceptance::Commits)
    }

    /// What a campaign adds up.
    pub(super) fn digest(mut self) -> Digest {
        let onset = self.onset;
        let end = self.now;
        let ledger = self.ledger();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Digest {
            simulated: end.since(Moment::START),
            watched: end.since(onset),
            within_bounds: self.conditions.is_within_bounds_for(self.policy, self.scenario),
            failovers: count(self.record.failovers.len()),
            judgement: self.oracle.finish(end),
            failbacks: self.record.failbacks,
            accepted_rto: ledger.accepted_rto_seconds,
            processed_rto: ledger.processed_rto_seconds,
            processing_stopped: self.processing.count() > 0,
            overrun: ledger.overrun_phase,
            interrupted: self.placing.total(),
            interruptions: self.placing.count(),
            begun: self.faults.have_begun(),
            acted: self.operations.begun(self.now),
            orders: self.orders(),
            edges: self.record.edges,
            ends_in: self.ends_in(),
            needs_operator: self.record.needs_operator,
            violations: std::mem::take(&mut self.record.violations),
        }
    }

    fn invariants_held(&self) -> Vec<InvariantReport> {
        let broken = |name| {
            self.record
                .violations
                .iter()
                .any(|violation| violation.invariant == name)
        };
        let invariants = invariants::ALL.iter();
        invariants
            .map(|invariant| InvariantReport {
                name: invariant.name,
                held: !broken(invariant.name),
            })
            .collect()
    }

    /// Everything that a reader may ask for.
    pub(super) fn report(mut self, seed: u64) -> Report {
        let ledger = self.ledger();
        let actual = self.actual(&ledger, self.ends_in());
        let expected = self.expected();
        let verdict = self.judge(&ledger, &actual);
        Report {
            scenario: ScenarioReport {
                name: self.scenario.name.clone(),
                title: self.scenario.title.clone(),
                onset_unix_millis: self.true_wall(self.onset).as_millis(),
                length_seconds: span_seconds(self.scenario.length_from_onset()),
            },
            policy: self.policy.name.clone(),
            seed,
            conditions: self.conditions.report_for(self.policy, self.scenario),
            decisions: std::mem::take(&mut self.record.decisions),
            standing: self.standing(),
            orders: self.orders(),
            disregarded: self.disregarded(),
            invariants: self.invariants_held(),
            violations: std::mem::take(&mut self.record.violations),
            timeline: std::mem::take(&mut self.record.timeline),
            sightings: std::mem::take(&mut self.record.sightings),
            ledger,
            expected,
            actual,
            verdict,
        }
    }

    /// A failover that did not come to an end has a ledger, too.
    fn keep_unfinished_ledger(&mut self) {
        for slot in 0..self.slots.len() {
            let it = &self.slots[slot];
            if let Some(engine) = &it.engine {
                let ledger = engine.status(it.clock.now(self.now)).ledger;
                self.keep_ledger(slot, &ledger);
            }
        }
    }

    fn ledger(&self) -> LedgerReport {
        let from = |interruption: &Interruption| self.faults.last_beginning(interruption.from);
        let interrupted = self.placing.counted();
        let stopped = self.processing.counted();
        // What clients feel counts; if they felt nothing, what stopped being processed does.
        let counted_from = interrupted.or(stopped).as_ref().map_or(self.onset, from);
        let figure = |interruption: Option<Interruption>| {
            let to = interruption?.to?;
            Some(seconds(to.relative_to(counted_from)))
        };
        let phases = self.phases(counted_from);
        let overrun = phases
            .iter()
            .filter(|phase| phase.over)
            .max_by(|one, two| {
                let over = |phase: &PhaseReport| phase.used_seconds - phase.allotted_seconds;
                over(one).total_cmp(&over(two))
            })
            .map(|phase| phase.phase);
        LedgerReport {
            budget_seconds: span_seconds(self.policy.budget.total),
            phases,
            counted_from_seconds: self.record.seconds(counted_from),
            interrupted_at_seconds: interrupted.map(|it| self.record.seconds(it.from)),
            accepted_rto_seconds: figure(interrupted),
            processed_rto_seconds: figure(stopped),
            processing_stopped_at_seconds: stopped.map(|it| self.record.seconds(it.from)),
            stretched_rto_seconds: figure(self.stretched_placing.counted()),
            overrun_phase: overrun,
            interrupted_seconds: span_seconds(self.placing.total()),
            interruptions: self.placing.count(),
        }
    }

    /// The phases on true time. The engine's ledger begins with the first breach that it saw; the run knows the onset,
    /// and when clients were really where they should be.
    fn phases(&self, counted_from: Moment) -> Vec<PhaseReport> {
        let Some(ledger) = self.record.ledger else {
            return Vec::new();
        };
        let phases = &self.policy.budget.phases;
        Phase::ALL
            .into_iter()
            .zip(ledger.spans)
            .filter_map(|(phase, span)| {
                let (mut began, mut ended) = span?;
                let allotted = phase.allotment(phases);
                if phase == Phase::Detect {
                    began = counted_from.min(began);
                }
                // The engine's turn, its journal included, is spent after the core has decided and before anything is
                // asked for. The core's ledger cannot see it; it belongs to the decision.
                let turn = self.conditions.engine_turn;
                if phase == Phase::Decide {
                    ended = ended.map(|at| at.after(turn));
                }
                if phase == Phase::Claim {
                    began = ended.map_or(began, |ended| began.after(turn).min(ended));
                }
                if phase == Phase::Redirect {
                    ended = self.redirected.map(|at| at.max(began)).or(ended);
                }
                let used = ended.unwrap_or(self.now).since(began);
                Some(PhaseReport {
                    phase: phase.name(),
                    from_seconds: self.record.seconds(began),
                    to_seconds: ended.map(|at| self.record.seconds(at)),
                    used_seconds: span_seconds(used),
                    allotted_seconds: span_seconds(allotted),
                    over: used > allotted + OVERRUN_TOLERANCE,
                })
            })
            .collect()
    }

    fn orders(&self) -> OrdersReport {
        let tally = self.clients.tally();
        OrdersReport {
            placed: tally.placed,
            accepted: tally.accepted,
            refused: tally.refused,
            processed: tally.processed,
            pending: self.clients.pending(),
            lost: self.orders_lost,
            residual_commits: self.residual_commits,
        }
    }

    fn disregarded(&self) -> DisregardedReport {
        let mut sum = DisregardedReport {
            expired_effects: self.expired_effects,
            ..DisregardedReport::default()
        };
        for it in &self.slots {
            let Some(engine) = &it.engine else { continue };
            let seen = engine.status(it.clock.now(self.now)).disregarded;
            sum.stale += seen.stale;
            sum.duplicate += seen.duplicate;
            sum.out_of_order += seen.out_of_order;
            sum.future_dated += seen.future_dated;
            sum.unknown_witness += seen.unknown_witness;
            sum.late_outcome += seen.late_outcome;
            sum.unhandled += seen.unhandled;
        }
        sum
    }

    fn standing(&self) -> Vec<StandingReport> {
        self.slots
            .iter()
            .map(|it| {
                let now = it.clock.now(self.now);
                // A sidecar that hangs stands nowhere: what it believes is as old as its last breath.
                let runs = self.parts.up(Place::from(it.region), Part::Sidecars);
                let engine = it.engine.as_ref().filter(|_| runs);
                StandingReport {
                    who: it.name.clone(),
                    state: it.state().filter(|_| runs).map(StateName::name),
                    now: engine.map(|engine| self.record.decision(self.now, &it.name, &engine.explain(now).now)),
                }
            })
            .collect()
    }

    fn expected(&self) -> ExpectedReport {
        let expect = &self.scenario.expect;
        ExpectedReport {
            decision: expect.decision,
            ends_in: expect.ends_in.map(words::region),
            no_failback_before_seconds: expect.no_failback_before.map(span_seconds),
            failback_by_seconds: expect.failback_by.map(span_seconds),
            within_budget: expect.within_budget,
            uninterrupted: expect.uninterrupted,
            interrupted_max_seconds: expect.interrupted_max.map(span_seconds),
            failovers: expect.failovers,
            blocked_by: expect.blocked_by.map(words::guard),
            needs_operator: expect.needs_operator,
            orders_lost_max: expect.orders_lost_max,
            breaks: expect.breaks.clone(),
            because: expect.because.clone(),
        }
    }

    fn actual(&self, ledger: &LedgerReport, ends_in: Option<Region>) -> ActualReport {
        let record = &self.record;
        let moved = !record.failovers.is_empty();
        let interrupted = self.placing.count() > 0 || self.processing.count() > 0;
        let inside =
            |stopped: bool, figure: Option<f64>| !stopped || figure.is_some_and(|it| it <= ledger.budget_seconds);
        ActualReport {
            decision: if moved {
                ExpectedDecision::FailOver
            } else {
                ExpectedDecision::Hold
            },
            decided_at_seconds: record.failovers.first().map(|at| record.seconds(*at)),
            failovers: u32::try_from(record.failovers.len()).unwrap_or(u32::MAX),
            ends_in: ends_in.map(words::region),
            failback_at_seconds: record.failback.map(|at| record.seconds(at)),
            home_at_seconds: record.home.map(|at| record.seconds(at)),
            within_budget: interrupted.then(|| {
                inside(self.placing.count() > 0, ledger.accepted_rto_seconds)
                    && inside(self.processing.count() > 0, ledger.processed_rto_seconds)
            }),
            needs_operator: record.needs_operator,
        }
    }

    fn judge(&self, ledger: &LedgerReport, actual: &ActualReport) -> VerdictReport {
        let expect = &self.scenario.expect;
        let mut points = Vec::new();
        let mut point = |right: bool, text: String| points.push(VerdictPoint { right, text });
        let decision = |decision: ExpectedDecision| match decision {
            ExpectedDecision::Hold => "hold",
            ExpectedDecision::FailOver => "fail over",
        };
        let did = decision(actual.decision);
        if actual.decision == expect.decision {
            point(true, format!("the decision is to {did}: {}", expect.because));
        } else {
            let ought = decision(expect.decision);
            point(
                false,
                format!(
                    "the decision is to {did}, and ought to be to {ought}: {}",
                    expect.because
                ),
            );
        }
        if let Some(expected) = expect.ends_in.map(words::region) {
            let found = actual.ends_in.unwrap_or("no region");
            let right = actual.ends_in == Some(expected);
            let text = if right {
                format!("{found} serves at the end")
            } else {
                format!("{found} serves at the end, and {expected} ought to")
            };
            point(right, text);
        }
        if let Some(earliest) = expect.no_failback_before {
            let began = self.record.failback.map(|at| at.since(self.onset));
            let text = match began {
                Some(began) => format!(
                    "coming home began {} after the onset; it must not before {}",
                    words::duration(began),
                    words::duration(earliest)
                ),
                None => "nothing went home within the run".to_owned(),
            };
            point(began.is_none_or(|began| began + CLOCK_TOLERANCE >= earliest), text);
        }
        if expect.within_budget {
            let figure = |stopped: bool, figure: Option<f64>| match figure {
                _ if !stopped => "never interrupted".to_owned(),
                Some(figure) => format!("{figure:.1} s"),
                None => "not within the run".to_owned(),
            };
            let right = actual.within_budget.unwrap_or(true);
            let blame = match ledger.overrun_phase {
                Some(phase) if !right => format!("; the phase that overran is {phase}"),
                _ => String::new(),
            };
            point(
                right,
                format!(
                    "orders accepted again: {}, processed again: {}, budget {:.0} s{blame}",
                    figure(self.placing.count() > 0, ledger.accepted_rto_seconds),
                    figure(self.processing.count() > 0, ledger.processed_rto_seconds),
                    ledger.budget_seconds
                ),
            );
        }
        if expect.uninterrupted {
            let right = self.placing.count() == 0;
            let text = if right {
                "clients could place orders throughout".to_owned()
            } else {
                let total: Duration = self.placing.total();
                format!("clients could not place orders for {}", words::duration(total))
            };
            point(right, text);
        }
        points.extend(self.stated_points(actual));
        let mut point = |right: bool, text: String| points.push(VerdictPoint { right, text });
        for text in self.never_reached() {
            point(false, text);
        }
        points.extend(self.invariant_points());
        VerdictReport {
            right: points.iter().all(|point| point.right),
            points,
        }
    }
}
