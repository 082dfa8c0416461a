//! From the core's numbers to names, sentences and spans.

use understudy_policies::Policy;
use understudy_policies::model::Mode;
use understudy_policies::source::name_of;

use super::needs;
use super::shapes::{
    DatabaseAnswer, DecisionAnswer, DisregardedAnswer, DriverAnswer, EntryAnswer, GuardAnswer, InboxAnswer, LagAnswer,
    LeaseAnswer, LedgerAnswer, OverrunAnswer, PhaseAnswer, ProcessAnswer, RegionAnswer, ReloadAnswer, RoleChangeAnswer,
    StateAnswer, StatusAnswer, WhyAnswer, WitnessAnswer,
};
use super::workflow::name;
use crate::core::decision::{Decision, Finding};
use crate::core::ids::{Region, WitnessId};
use crate::core::journal::JournalEntry;
use crate::core::ledger::Phase;
use crate::core::machine::StateName;
use crate::core::status::{Disregarded, Explanation, Status, WitnessView};
use crate::core::time::{Now, Timestamp, WallTime};
use crate::service::shell::Pressure;
use crate::service::standing::{Reload, Standing};
use crate::words::{self, Names};

/// What gives numbers their names.
#[derive(Debug, Clone, Copy)]
pub struct View<'p> {
    /// The policy.
    pub policy: &'p Policy,
    /// When this is told.
    pub now: Now,
}

impl<'p> View<'p> {
    /// What the two regions are called.
    #[must_use]
    pub fn names(&self) -> Names<'p> {
        [
            self.policy.regions.primary.as_str(),
            self.policy.regions.standby.as_str(),
        ]
    }

    /// A region's name.
    #[must_use]
    pub fn region(&self, region: Region) -> String {
        words::region(region, self.names()).to_owned()
    }

    /// A witness's name.
    #[must_use]
    pub fn witness(&self, witness: WitnessId) -> &'p str {
        let known = self.policy.witnesses.get(usize::from(witness.0));
        known.map_or("a witness that the policy no longer has", |witness| {
            witness.name.as_str()
        })
    }

    /// One sidecar as it stands.
    #[must_use]
    pub fn status(
        &self,
        status: &Status,
        objections: &[Finding],
        pressure: Pressure,
        standing: &Standing,
    ) -> StatusAnswer {
        let serving_left = self.left(status.serve_until);
        StatusAnswer {
            at: time(self.now.wall),
            region: self.region(status.region),
            other_region: self.region(status.region.other()),
            sidecar: status.sidecar.0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            policy: self.policy.name.clone(),
            mode: mode(status.mode).to_owned(),
            paused: status.paused,
            drives: status.drives,
            serving: serving_left.is_some() && status.state.serves(),
            state: self.state(status),
            needs: needs::of(status, objections, standing, self),
            regions: Region::BOTH.map(|region| self.assessed(status, region)).to_vec(),
            lease: self.lease(status),
            database: status.database.map(|database| DatabaseAnswer {
                writer: database.writer.map(|region| self.region(region)),
                moving: database.moving,
                replica_attached: database.replica_attached,
            }),
            replication_lag: status.lag.map(|(lag, heard)| LagAnswer {
                seconds: lag.as_secs_f64(),
                heard_seconds_ago: self.ago(heard),
            }),
            ledger: self.ledger(status),
            inbox: inbox(pressure),
            disregarded: disregarded(status.disregarded),
            process: process(standing),
        }
    }

    fn state(&self, status: &Status) -> StateAnswer {
        StateAnswer {
            name: status.state.name().to_owned(),
            superstate: status.state.superstate().map(str::to_owned),
            meaning: words::state(status.state).to_owned(),
            because: status.edge.map(|edge| edge.sentence().to_owned()),
            for_seconds: self.ago(status.since),
            deadline_in_seconds: status.deadline.map(|at| at.since(self.now.boot).as_secs_f64()),
        }
    }

    fn assessed(&self, status: &Status, region: Region) -> RegionAnswer {
        let assessment = status.assessments[region.index()];
        RegionAnswer {
            region: self.region(region),
            role: match region {
                Region::Home => "primary",
                Region::Away => "standby",
            }
            .to_owned(),
            holds_lease: status.holder == Some(region),
            assessment: words::assessment(assessment).to_owned(),
            meaning: words::assessment_meaning(assessment).to_owned(),
        }
    }

    fn lease(&self, status: &Status) -> LeaseAnswer {
        let record = status.lease;
        let theirs = status.holder.is_some_and(|holder| holder != status.region);
        let drivers = Region::BOTH.map(|region| DriverAnswer {
            region: self.region(region),
            sidecar: record.and_then(|record| record.drivers[region.index()].map(|driver| driver.sidecar.0)),
        });
        LeaseAnswer {
            epoch: status.epoch.0,
            holder: status.holder.map(|holder| self.region(holder)),
            claimed_by: record.and_then(|record| record.claim.map(|claim| self.region(claim.region))),
            released: record.is_some_and(|record| record.released),
            protected: status.protected,
            serving_seconds_left: self.left(status.serve_until),
            expires_in_seconds: theirs.then(|| status.lease_expires.since(self.now.boot).as_secs_f64()),
            read_seconds_ago: status.lease_read.map(|at| self.ago(at)),
            drivers: drivers.to_vec(),
            role_change: record
                .and_then(|record| record.role_change)
                .map(|change| RoleChangeAnswer {
                    kind: name(&change.kind),
                    step: name(&change.step),
                }),
        }
    }

    fn ledger(&self, status: &Status) -> Option<LedgerAnswer> {
        let ledger = &status.ledger;
        let first = ledger.first_breach?;
        // A suspicion that led to nothing leaves its clock behind, and so does what goes on beside the states that count.
        let active = counts(status.state);
        if !active && ledger.span(Phase::Claim).is_none() {
            return None;
        }
        let end = if active { self.now.boot } else { status.since };
        let spans = Phase::ALL
            .into_iter()
            .filter_map(|phase| Some((phase, ledger.span(phase)?)));
        let phases: Vec<PhaseAnswer> = spans
            .map(|(phase, span)| PhaseAnswer {
                phase: phase.name().to_owned(),
                allotted_seconds: phase.allotment(&self.policy.budget.phases).as_secs_f64(),
                began_seconds: span.began.since(first).as_secs_f64(),
                used_seconds: span.ended.unwrap_or(end).since(span.began).as_secs_f64(),
                running: active && span.ended.is_none(),
            })
            .collect();
        let ends = phases.iter().map(|phase| phase.began_seconds + phase.used_seconds);
        Some(LedgerAnswer {
            budget_seconds: self.policy.budget.total.as_secs_f64(),
            running: phases.iter().any(|phase| phase.running),
            elapsed_seconds: ends.fold(0.0, f64::max),
            overrun: status.overrun.map(|(phase, over)| OverrunAnswer {
                phase: phase.name().to_owned(),
                seconds: over.as_secs_f64(),
            }),
            phases,
        })
    }

    /// Why the engine did what it did.
    #[must_use]
    pub fn why(&self, explanation: &Explanation) -> WhyAnswer {
        WhyAnswer {
            at: time(self.now.wall),
            now: self.decision(&explanation.now),
            past: explanation
                .past
                .iter()
                .map(|decision| self.decision(decision))
                .collect(),
            witnesses: explanation
                .witnesses
                .iter()
                .map(|view| self.witness_view(view))
                .collect(),
        }
    }

    /// A decision.
    #[must_use]
    pub fn decision(&self, decision: &Decision) -> DecisionAnswer {
        let names = self.names();
        DecisionAnswer {
            at: time(decision.at.wall),
            verdict: words::verdict(decision.verdict).to_owned(),
            region: self.region(decision.target),
            assessment: words::assessment(decision.assessment).to_owned(),
            sentence: words::decision(decision, names),
            guards: decision.findings.iter().map(|finding| self.guard(finding)).collect(),
            flip: decision.flip.as_ref().map(|flip| words::flip(flip, names)),
        }
    }

    /// A guard's finding.
    #[must_use]
    pub fn guard(&self, finding: &Finding) -> GuardAnswer {
        GuardAnswer {
            guard: words::guard(finding.guard).to_owned(),
            passed: finding.passed,
            subject: words::guard_subject(finding.guard).to_owned(),
            saw: words::comparison(finding, self.names()),
        }
    }

    fn witness_view(&self, view: &WitnessView) -> WitnessAnswer {
        let known = self.policy.witnesses.get(usize::from(view.witness.0));
        WitnessAnswer {
            witness: self.witness(view.witness).to_owned(),
            region: self.region(view.target),
            verdict: words::witness_state(view.state).to_owned(),
            flapping: view.flapping,
            delayed: view.delayed,
            heard_seconds_ago: view.heard.map(|at| self.ago(at)),
            kind: known.map_or("", |witness| name_of(witness.kind)).to_owned(),
            observes: known.map_or("", |witness| name_of(witness.observes)).to_owned(),
            failure_domain: known.map_or("", |witness| name_of(witness.failure_domain)).to_owned(),
            quorum: known.is_some_and(|witness| witness.quorum),
        }
    }

    /// A journal entry.
    #[must_use]
    pub fn entry(&self, entry: &JournalEntry) -> EntryAnswer {
        EntryAnswer {
            at: time(entry.at.wall),
            kind: words::kind(&entry.what).to_owned(),
            text: words::happening(&entry.what, self.names(), |witness| self.witness(witness)),
        }
    }

    fn ago(&self, at: Timestamp) -> f64 {
        self.now.boot.since(at).as_secs_f64()
    }

    fn left(&self, until: Timestamp) -> Option<f64> {
        let left = until.since(self.now.boot).as_secs_f64();
        (left > 0.0).then_some(left)
    }
}

fn process(standing: &Standing) -> ProcessAnswer {
    let reload = |what: &str, at: Option<WallTime>, because: Option<String>| ReloadAnswer {
        what: what.to_owned(),
        at: at.map(time),
        because,
    };
    let set_aside = standing.set_aside.iter().map(|path| path.display().to_string());
    ProcessAnswer {
        leaving: standing.leaving,
        journals_set_aside: set_aside.collect(),
        reload: match &standing.reload {
            Reload::None => reload("none", None, None),
            Reload::Applied { at } => reload("applied", Some(*at), None),
            Reload::Postponed { since, state } => {
                let waits = format!("the engine was in {}", state.name());
                reload("postponed", Some(*since), Some(waits))
            }
            Reload::Refused { at, because } => reload("refused", Some(*at), Some(because.clone())),
        },
    }
}

/// A mode's name.
#[must_use]
pub const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Armed => "armed",
        Mode::Shadow => "shadow",
    }
}

/// Whether the clock of a failover runs in a state.
const fn counts(state: StateName) -> bool {
    matches!(
        state,
        StateName::Suspicious
            | StateName::Blocked
            | StateName::Claiming
            | StateName::Acquiring
            | StateName::Moving
            | StateName::Verifying
    )
}

/// A moment, in RFC 3339.
#[must_use]
pub fn time(at: WallTime) -> String {
    let known = jiff::Timestamp::from_millisecond(at.as_millis());
    known.map_or_else(|_| at.as_millis().to_string(), |known| format!("{known:.3}"))
}

fn inbox(pressure: Pressure) -> InboxAnswer {
    let Pressure {
        accepted,
        signals_replaced,
        notices_dropped,
        peers_dropped,
        commands_refused,
        waiting,
    } = pressure;
    InboxAnswer {
        waiting: waiting as u64,
        accepted,
        signals_replaced,
        notices_dropped,
        peers_dropped,
        commands_refused,
    }
}

const fn disregarded(counts: Disregarded) -> DisregardedAnswer {
    let Disregarded {
        stale,
        duplicate,
        out_of_order,
        future_dated,
        unknown_witness,
        late_outcome,
        unhandled,
    } = counts;
    DisregardedAnswer {
        stale,
        duplicate,
        out_of_order,
        future_dated,
        unknown_witness,
        late_outcome,
        unhandled,
    }
}
