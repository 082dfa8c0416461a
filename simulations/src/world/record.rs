//! What is written down during a run: the timeline, the decisions, and what the report needs to know of them.

use std::collections::BTreeMap;
use std::time::Duration;

use understudy_engine::core::decision::{Decision, Finding, Verdict};
use understudy_engine::core::effect::{Effect, IdempotencyKey, Intent, Outcome};
use understudy_engine::core::ids::EffectId;
use understudy_engine::core::journal::Happening;
use understudy_engine::core::ledger::{Ledger, Phase};
use understudy_engine::core::machine::{Edge, StateName};

use super::World;
use super::clock::Moment;
use super::engines::Slot;
use crate::digest::EdgeSet;
use crate::report::{
    DecisionReport, EngineState, FindingReport, Kind, Sighting, TimelineEntry, Violation, seconds, words,
};
use crate::scenario::Origin;

/// How often the same invariant is reported. What breaks every second is no news.
const VIOLATIONS_KEPT: usize = 10;

/// A ledger on true time: what the report needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrueLedger {
    /// Beginning and end of each phase.
    pub spans: [Option<(Moment, Option<Moment>)>; 7],
}

/// How much is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Everything that a reader may ask for.
    Full,
    /// What a campaign adds up: no line of text is made.
    Digest,
}

/// What is written down.
#[derive(Debug)]
pub(crate) struct Record {
    onset: Moment,
    detail: Detail,
    pub timeline: Vec<TimelineEntry>,
    pub decisions: Vec<DecisionReport>,
    pub violations: Vec<Violation>,
    pub sightings: Vec<Sighting>,
    /// When each failover was decided.
    pub failovers: Vec<Moment>,
    /// When the first failback began.
    pub failback: Option<Moment>,
    /// How many began.
    pub failbacks: u32,
    /// The next decision is what an operator asked for.
    ordered: bool,
    /// The edges that any engine's machine took.
    pub edges: EdgeSet,
    /// When the first failback was complete.
    pub home: Option<Moment>,
    pub ledger: Option<TrueLedger>,
    pub needs_operator: bool,
    /// Effects that the timeline follows, and how each turned out last. Retries of the same thing are one line.
    followed: BTreeMap<(usize, IdempotencyKey, String), Option<Outcome>>,
    asked: BTreeMap<(usize, EffectId), (IdempotencyKey, String)>,
}

impl Record {
    pub(crate) fn new(onset: Moment, detail: Detail) -> Self {
        Self {
            onset,
            detail,
            timeline: Vec::new(),
            decisions: Vec::new(),
            violations: Vec::new(),
            sightings: Vec::new(),
            failovers: Vec::new(),
            failback: None,
            failbacks: 0,
            ordered: false,
            edges: EdgeSet::default(),
            home: None,
            ledger: None,
            needs_operator: false,
            followed: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
    }

    /// Seconds from the onset.
    pub(crate) fn seconds(&self, at: Moment) -> f64 {
        seconds(at.relative_to(self.onset))
    }

    /// Writes a line into the timeline, if there is one.
    pub(crate) fn say(&mut self, at: Moment, who: &str, kind: Kind, text: impl FnOnce() -> String) {
        if self.detail == Detail::Digest {
            return;
        }
        self.timeline.push(TimelineEntry {
            at_seconds: self.seconds(at),
            who: who.to_owned(),
            kind,
            text: text(),
        });
    }

    /// Writes a broken invariant down, unless it has been broken often enough.
    pub(crate) fn violate(&mut self, at: Moment, invariant: &'static str, text: String) {
        let known = self
            .violations
            .iter()
            .filter(|violation| violation.invariant == invariant);
        if known.count() >= VIOLATIONS_KEPT {
            return;
        }
        self.say(at, "world", Kind::Violation, || format!("{invariant}: {text}"));
        self.violations.push(Violation {
            at_seconds: self.seconds(at),
            invariant,
            text,
        });
    }

    /// A decision as the report shows it.
    pub(crate) fn decision(&self, at: Moment, who: &str, decision: &Decision) -> DecisionReport {
        let finding = |finding: &Finding| FindingReport {
            guard: words::guard(finding.guard),
            passed: finding.passed,
            text: words::finding(finding),
        };
        DecisionReport {
            at_seconds: self.seconds(at),
            who: who.to_owned(),
            verdict: words::verdict(decision.verdict),
            text: words::decision(decision),
            target: words::region(decision.target),
            assessment: words::assessment(decision.assessment),
            findings: decision.findings.iter().map(finding).collect(),
            flip: decision.flip.as_ref().map(words::flip),
        }
    }

    fn asked_for(&mut self, at: Moment, who: &str, slot: usize, effect: &Effect) {
        let Some(text) = words::intent(&effect.intent) else {
            return;
        };
        let kind = match effect.intent {
            Intent::Page(_) | Intent::Announce(_) | Intent::RequestApproval(_) => Kind::Human,
            _ => Kind::Effect,
        };
        self.asked.insert((slot, effect.id), (effect.key, text.clone()));
        // Only steps of a workflow are tried again under the same key.
        if effect.key.step == u16::MAX {
            self.followed.remove(&(slot, effect.key, text.clone()));
        }
        if let std::collections::btree_map::Entry::Vacant(entry) = self.followed.entry((slot, effect.key, text)) {
            let text = entry.key().2.clone();
            entry.insert(None);
            self.say(at, who, kind, || format!("asks: {text}"));
        }
    }

    fn settled(&mut self, at: Moment, who: &str, slot: usize, id: EffectId, outcome: &Outcome) {
        let Some((key, text)) = self.asked.remove(&(slot, id)) else {
            return;
        };
        let Some(last) = self.followed.get_mut(&(slot, key, text.clone())) else {
            return;
        };
        if last
            .as_ref()
            .is_some_and(|last| std::mem::discriminant(last) == std::mem::discriminant(outcome))
        {
            return;
        }
        *last = Some(*outcome);
        let verb = match outcome {
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
            Outcome::TimedOut => "no answer, so it may have happened",
            Outcome::Conflict(_) => "refused by the lease's condition",
            _ => "done",
        };
        self.say(at, who, Kind::Effect, || format!("{verb}: {text}"));
    }
}

impl World<'_> {
    /// An engine wrote something into its journal.
    pub(super) fn journal(&mut self, slot: usize, what: &Happening) {
        self.tell_of_journal(slot, what);
        match what {
            Happening::Moved { to, edge, .. } => {
                if self.something_waits() {
                    self.reached(|origin| origin == Origin::State(*to));
                }
                self.record.needs_operator |= *to == StateName::NeedsOperator;
                self.record.edges.insert(*edge);
                if *edge == Edge::OperatorFailover {
                    self.oracle.interfere(self.now);
                    self.record.ordered = true;
                }
                if *edge == Edge::HomeConfirmed {
                    self.record.home.get_or_insert(self.now);
                }
            }
            Happening::Decided(decision) => match decision.verdict {
                Verdict::FailOver => {
                    self.record.failovers.push(self.now);
                    for availability in [&mut self.placing, &mut self.stretched_placing, &mut self.processing] {
                        availability.failover(self.now);
                    }
                    // What an operator asked for is theirs to judge.
                    if !std::mem::take(&mut self.record.ordered) {
                        self.oracle.decided(self.now, decision.target);
                    }
                }
                Verdict::FailBack => {
                    self.record.failback.get_or_insert(self.now);
                    self.record.failbacks += 1;
                }
                _ => {}
            },
            Happening::Completed(ledger) => self.keep_ledger(slot, ledger),
            _ => {}
        }
        if self.record.detail == Detail::Full {
            self.tell_of_engine(slot, what);
        }
    }

    /// The timeline's line about what an engine wrote.
    fn tell_of_engine(&mut self, slot: usize, what: &Happening) {
        let who = self.slots[slot].name.clone();
        let now = self.now;
        let (kind, text) = match what {
            Happening::Witness {
                witness,
                target,
                from,
                to,
            } => {
                let name = self
                    .policy
                    .witnesses
                    .get(usize::from(witness.0))
                    .map_or("unknown", |witness| witness.name.as_str());
                let text = format!(
                    "{name} about {}: {} (was {})",
                    words::region(*target),
                    words::witness_state(*to),
                    words::witness_state(*from)
                );
                let sighting = Sighting {
                    at_seconds: self.record.seconds(now),
                    who: who.clone(),
                    witness: name.to_owned(),
                    target: words::region(*target),
                    from: words::witness_state(*from),
                    to: words::witness_state(*to),
                    states: self.states(),
                };
                self.record.sightings.push(sighting);
                (Kind::Witness, text)
            }
            Happening::Assessed { target, from, to } => {
                let text = format!(
                    "{} is assessed as {} (was {})",
                    words::region(*target),
                    words::assessment(*to),
                    words::assessment(*from)
                );
                (Kind::Assessment, text)
            }
            Happening::Moved { from, to, edge } => {
                let text = format!("{} -> {}: {}", from.name(), to.name(), edge.sentence());
                (Kind::State, text)
            }
            Happening::Decided(decision) => {
                let report = self.record.decision(now, &who, decision);
                let text = report.text.clone();
                self.record.decisions.push(report);
                (Kind::Decision, text)
            }
            Happening::Commanded { command, refused } => {
                let text = match refused {
                    None => format!("an operator asked for {command:?}"),
                    Some(refusal) => format!("an operator asked for {command:?}: {refusal}"),
                };
                (Kind::Human, text)
            }
            // The simulator's operators sign nothing.
            Happening::Signed { .. } => return,
            // A standby's path is closed again and again: that is no news while it is closed.
            // Nor is that a path is told to be open that is.
            Happening::Asked(effect) if self.is_so_already(slot, &effect.intent) => return,
            Happening::Asked(effect) => return self.record.asked_for(now, &who, slot, effect),
            Happening::Settled { id, outcome, .. } => return self.record.settled(now, &who, slot, *id, outcome),
            Happening::Completed(_) => (Kind::Completed, "the role change is complete".to_owned()),
            Happening::Unhandled { state, event } => {
                let text = format!("no state handles `{}` in {}", event.name(), state.name());
                (Kind::Unhandled, text)
            }
        };
        self.record.say(now, &who, kind, || text);
    }

    /// Where every engine stands. One that hangs stands nowhere, whatever it believes.
    fn states(&self) -> Vec<EngineState> {
        let state = |it: &Slot| EngineState {
            who: it.name.clone(),
            state: it.state().filter(|_| it.is_running()).map(StateName::name),
        };
        self.slots.iter().map(state).collect()
    }

    fn is_so_already(&self, slot: usize, intent: &Intent) -> bool {
        let path = self.order_paths[self.slots[slot].region.index()];
        match intent {
            Intent::CloseOrderPath => !path.intake && !path.processing,
            Intent::OpenIntake => path.intake,
            Intent::OpenProcessing => path.processing,
            _ => false,
        }
    }

    /// Keeps the ledger of the first failover, on true time.
    pub(super) fn keep_ledger(&mut self, slot: usize, ledger: &Ledger) {
        if self.record.ledger.is_some() || ledger.span(Phase::Claim).is_none() {
            return;
        }
        let it = &self.slots[slot];
        let spans = Phase::ALL.map(|phase| {
            let span = ledger.span(phase)?;
            Some((it.when(span.began), span.ended.map(|ended| it.when(ended))))
        });
        self.record.ledger = Some(TrueLedger { spans });
    }
}

/// A duration in seconds, to the microsecond.
pub(crate) fn span_seconds(span: Duration) -> f64 {
    seconds(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
}
