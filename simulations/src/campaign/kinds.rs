//! The catalogue of everything that a workload can draw.

use super::draft::Draft;
use super::timeline::Workload;
use super::{faults, flapping, outages, quiet};

/// One kind of trouble: its name, and how to draw one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub name: &'static str,
    pub draw: fn(&mut Draft<'_>),
}

impl Kind {
    pub(super) const fn new(name: &'static str, draw: fn(&mut Draft<'_>)) -> Self {
        Self { name, draw }
    }
}

/// Kinds of which a workload takes its pick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// Trouble in which nothing is lost.
    Noise,
    /// Ways to fail again and again, too shortly for a failover.
    Flap,
    /// The incident that matters.
    Incident,
    /// What breaks besides.
    Fault,
}

impl Group {
    const ALL: [Self; 4] = [Self::Noise, Self::Flap, Self::Incident, Self::Fault];

    /// Its kinds.
    pub(super) const fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Noise => quiet::NOISE,
            Self::Flap => flapping::FLAPS,
            Self::Incident => outages::INCIDENTS,
            Self::Fault => faults::FAULTS,
        }
    }

    /// The place of its first kind in the whole catalogue.
    pub(super) const fn base(self) -> usize {
        match self {
            Self::Noise => 0,
            Self::Flap => Self::Noise.base() + Self::Noise.kinds().len(),
            Self::Incident => Self::Flap.base() + Self::Flap.kinds().len(),
            Self::Fault => Self::Incident.base() + Self::Incident.kinds().len(),
        }
    }

    /// The workload that draws from it.
    const fn workload(self) -> Workload {
        match self {
            Self::Noise => Workload::Quiet,
            Self::Flap => Workload::Flapping,
            Self::Incident | Self::Fault => Workload::Outages,
        }
    }
}

/// How many kinds there are.
pub(super) const COUNT: usize = Group::Fault.base() + Group::Fault.kinds().len();

/// Every kind that a workload can draw, with its place in the catalogue.
pub(super) fn of(workload: Workload) -> impl Iterator<Item = (usize, Kind)> {
    Group::ALL
        .into_iter()
        .filter(move |group| workload == Workload::Mixed || group.workload() == workload)
        .flat_map(|group| (group.base()..).zip(group.kinds().iter().copied()))
}

/// The name of a kind.
pub(super) fn name(index: usize) -> &'static str {
    of(Workload::Mixed)
        .nth(index)
        .map_or("a kind that is not there", |(_, kind)| kind.name)
}

/// Draws one of a kind of a group.
pub(super) fn draw(draft: &mut Draft<'_>, group: Group, index: usize) {
    let Some(kind) = group.kinds().get(index) else { return };
    draft.of_kind(group.base() + index, kind.name);
    (kind.draw)(draft);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_place_and_a_name_of_its_own() {
        let all: Vec<_> = of(Workload::Mixed).collect();
        assert_eq!(all.len(), COUNT);
        assert!(all.iter().enumerate().all(|(place, (index, _))| place == *index));
        let names: BTreeSet<_> = all.iter().map(|(_, kind)| kind.name).collect();
        assert_eq!(names.len(), COUNT);
    }
}
