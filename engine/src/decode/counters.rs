//! How often each outcome occurred.

use super::decoded::{Content, Decoded, Ignored, Kind};
use super::rejection::{ReasonKind, Rejection};

/// One count per outcome; none is ever forgotten, and none is made up at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    decoded: [u64; Kind::ALL.len()],
    ignored: [u64; Ignored::ALL.len()],
    rejected: [u64; ReasonKind::ALL.len()],
}

/// The three ways that an event can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutcomeGroup {
    /// Handed to the core.
    Decoded,
    /// Understood, and none of the platform's business.
    Ignored,
    /// Not understood, or not believed.
    Rejected,
}

impl OutcomeGroup {
    /// Its name in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Decoded => "decoded",
            Self::Ignored => "ignored",
            Self::Rejected => "rejected",
        }
    }
}

impl Counters {
    /// All at zero.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            decoded: [0; Kind::ALL.len()],
            ignored: [0; Ignored::ALL.len()],
            rejected: [0; ReasonKind::ALL.len()],
        }
    }

    /// Counts one outcome.
    pub fn record(&mut self, outcome: &Result<Decoded, Rejection>) {
        let count = match outcome {
            Ok(Decoded {
                content: Content::Ignored(ignored),
                ..
            }) => &mut self.ignored[*ignored as usize],
            Ok(Decoded { kind, .. }) => &mut self.decoded[*kind as usize],
            Err(rejection) => &mut self.rejected[rejection.reason.kind() as usize],
        };
        *count = count.saturating_add(1);
    }

    /// How many events of a kind were handed to the core.
    #[must_use]
    pub const fn decoded(&self, kind: Kind) -> u64 {
        self.decoded[kind as usize]
    }

    /// How many were ignored for a reason.
    #[must_use]
    pub const fn ignored(&self, ignored: Ignored) -> u64 {
        self.ignored[ignored as usize]
    }

    /// How many were rejected for a kind of reason.
    #[must_use]
    pub const fn rejected(&self, kind: ReasonKind) -> u64 {
        self.rejected[kind as usize]
    }

    /// How many were recorded in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, _, count)| count).sum()
    }

    /// Every count with its group and name, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (OutcomeGroup, &'static str, u64)> {
        let decoded = Kind::ALL
            .into_iter()
            .map(|(kind, label)| (OutcomeGroup::Decoded, label, self.decoded(kind)));
        let ignored = Ignored::ALL
            .into_iter()
            .map(|(ignored, label)| (OutcomeGroup::Ignored, label, self.ignored(ignored)));
        let rejected = ReasonKind::ALL
            .into_iter()
            .map(|(kind, label)| (OutcomeGroup::Rejected, label, self.rejected(kind)));
        decoded.chain(ignored).chain(rejected)
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_own_place_and_name() {
        assert!(Kind::ALL.iter().enumerate().all(|(i, (kind, _))| *kind as usize == i));
        assert!(
            Ignored::ALL
                .iter()
                .enumerate()
                .all(|(i, (ignored, _))| *ignored as usize == i)
        );
        assert!(
            ReasonKind::ALL
                .iter()
                .enumerate()
                .all(|(i, (kind, _))| *kind as usize == i)
        );
        let counters = Counters::new();
        let mut names: Vec<_> = counters.iter().map(|(group, label, _)| (group, label)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
