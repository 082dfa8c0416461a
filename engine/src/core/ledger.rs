//! The budget ledger: what each phase of a failover used, on one clock.
//!
//! The engine's clock starts at the first breach that it saw. Whoever knows the onset (the simulator, a drill) adds
//! what came before: every claim is from onset.

use std::time::Duration;

use serde::{Deserialize, Serialize};
pub use understudy_policies::budget::Phase;

use super::time::Timestamp;

/// When a phase began and ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseSpan {
    /// Its beginning.
    pub began: Timestamp,
    /// Its end, once it is over.
    pub ended: Option<Timestamp>,
}

/// The ledger of one failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// The first breach that this engine saw.
    pub first_breach: Option<Timestamp>,
    spans: [Option<PhaseSpan>; 7],
}

impl Ledger {
    /// A ledger whose clock starts now, with the first phase under way.
    #[must_use]
    pub fn start(first_breach: Timestamp) -> Self {
        let mut ledger = Self {
            first_breach: Some(first_breach),
            ..Self::default()
        };
        ledger.begin(Phase::Detect, first_breach);
        ledger
    }

    /// A phase begins. Beginning it again keeps the first beginning: the time it took is the time it took.
    pub fn begin(&mut self, phase: Phase, at: Timestamp) {
        let span = self.spans[phase as usize].get_or_insert(PhaseSpan { began: at, ended: None });
        span.ended = None;
    }

    /// A phase ends. Ending a phase that never began, or twice, changes nothing.
    pub fn end(&mut self, phase: Phase, at: Timestamp) {
        if let Some(span) = &mut self.spans[phase as usize] {
            span.ended.get_or_insert(at);
        }
    }

    /// When a phase began and ended.
    #[must_use]
    pub fn span(&self, phase: Phase) -> Option<PhaseSpan> {
        self.spans[phase as usize]
    }

    /// What a phase has used by now.
    #[must_use]
    pub fn used(&self, phase: Phase, now: Timestamp) -> Option<Duration> {
        self.span(phase).map(|span| span.ended.unwrap_or(now).since(span.began))
    }

    /// The phase that overran its allotment by most, and by how much.
    #[must_use]
    pub fn worst_overrun(&self, allotted: impl Fn(Phase) -> Duration, now: Timestamp) -> Option<(Phase, Duration)> {
        Phase::ALL
            .into_iter()
            .filter_map(|phase| {
                let over = self.used(phase, now)?.checked_sub(allotted(phase))?;
                (!over.is_zero()).then_some((phase, over))
            })
            .max_by_key(|(_, over)| *over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_worst_overrun_names_the_phase() {
        let mut ledger = Ledger::start(at(1));
        ledger.end(Phase::Detect, at(5));
        ledger.begin(Phase::Promote, at(5));
        ledger.end(Phase::Promote, at(50));
        let overrun = ledger.worst_overrun(|_| Duration::from_secs(3), at(60));
        assert_eq!(overrun, Some((Phase::Promote, Duration::from_secs(42))));
        assert_eq!(ledger.worst_overrun(|_| Duration::from_secs(45), at(60)), None);
    }

    #[test]
    fn a_phase_under_way_counts_until_now() {
        let ledger = Ledger::start(at(1));
        assert_eq!(ledger.used(Phase::Detect, at(9)), Some(Duration::from_secs(8)));
        assert_eq!(ledger.used(Phase::Verify, at(9)), None);
    }
}
