//! One timeline of a campaign, told in full: the documented object that `replay --json` prints.

use std::time::Duration;

use serde::Serialize;
use understudy_policies::Policy;

use super::run::Source;
use super::timeline::{Timeline, Workload};
use crate::digest::Digest;
use crate::report::{Report, Sighting, VerdictPoint, VerdictReport};
use crate::scenario::{Entry, entry};

/// One timeline of a campaign.
#[derive(Debug, Serialize)]
pub struct Replay<'a> {
    /// The seed that everything in it follows from.
    pub seed: u64,
    /// What a campaign would have drawn from; null: it replays a scenario.
    pub workload: Option<Workload>,
    /// What this seed was drawn as.
    pub drawn_as: Option<Workload>,
    /// The kinds of trouble that it was drawn from.
    pub kinds: Vec<&'static str>,
    /// The kinds that this seed never draws from: each leaves out about one half of those that its workload has.
    pub left_out: Vec<&'static str>,
    /// Sidecars in each region.
    pub sidecars: u16,
    /// What breaks, with every parameter.
    pub drawn: Entry<'a>,
    /// Whether a campaign finds nothing wrong with it.
    pub right: bool,
    /// Failovers that nothing justified.
    pub false_failovers: u32,
    /// Demanded failovers that nobody decided.
    pub missed_failovers: u32,
    /// What one witness saw; null: nobody asked.
    pub focus: Option<Focus>,
    /// The same report as `run` gives. For a drawn timeline, `verdict` is what a campaign judges by, and `expected` says
    /// nothing.
    pub report: Report,
}

/// What one witness saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Focus {
    /// Its name.
    pub witness: String,
    /// Every change of its verdict, and where the engines stood right after.
    pub sightings: Vec<Sighting>,
}

/// What of a timeline to show.
#[derive(Debug, Clone, Copy, Default)]
pub struct View<'a> {
    /// Nothing that happened later than this after the onset is shown.
    pub until: Option<Duration>,
    /// The witness to follow.
    pub focus: Option<&'a str>,
}

impl<'a> Replay<'a> {
    /// Runs a timeline of a campaign again.
    #[must_use]
    pub fn new(timeline: &'a Timeline, source: &Source, policy: &Policy, view: View<'_>) -> Self {
        let digest = timeline.digest(policy);
        let mut report = timeline.report(policy);
        let (false_failovers, missed_failovers) = timeline.judge(&digest);
        if timeline.drawn_as.is_some() {
            report.verdict = judged(&digest, false_failovers, missed_failovers);
        }
        let until = view.until.map_or(f64::INFINITY, |until| until.as_secs_f64());
        report.timeline.retain(|entry| entry.at_seconds <= until);
        report.decisions.retain(|decision| decision.at_seconds <= until);
        report.sightings.retain(|sighting| sighting.at_seconds <= until);
        let focus = view.focus.map(|witness| Focus {
            witness: witness.to_owned(),
            sightings: report
                .sightings
                .iter()
                .filter(|it| it.witness == witness)
                .cloned()
                .collect(),
        });
        Self {
            seed: timeline.seed,
            workload: match source {
                Source::Workload(workload, _) => Some(*workload),
                Source::Scenario(..) => None,
            },
            drawn_as: timeline.drawn_as,
            kinds: timeline.kind_names(),
            left_out: timeline.left_out_names(),
            sidecars: timeline.conditions(policy).sidecars,
            drawn: entry(&timeline.scenario, &[]),
            right: digest.violations.is_empty() && false_failovers == 0 && missed_failovers == 0,
            false_failovers,
            missed_failovers,
            focus,
            report,
        }
    }
}

/// What a campaign judges a drawn timeline by.
fn judged(digest: &Digest, wrong: u32, missing: u32) -> VerdictReport {
    let broken = digest.violations.len();
    let points = vec![
        VerdictPoint {
            right: broken == 0,
            text: match broken {
                0 => "no invariant was broken".to_owned(),
                1 => "an invariant was broken".to_owned(),
                count => format!("invariants were broken {count} times"),
            },
        },
        VerdictPoint {
            right: wrong == 0,
            text: match (wrong, digest.failovers) {
                (0, 0) => "nothing was decided that nothing justified: no failover at all".to_owned(),
                (0, _) => "every failover was justified".to_owned(),
                (wrong, all) => format!("{wrong} of {all} failovers were justified by nothing"),
            },
        },
        VerdictPoint {
            right: missing == 0,
            text: match missing {
                0 => "no failover was missed".to_owned(),
                missing => format!("{missing} losses demanded a failover, and none was decided"),
            },
        },
    ];
    VerdictReport {
        right: points.iter().all(|point| point.right),
        points,
    }
}

#[cfg(test)]
mod tests {
    use understudy_policies::shipped;

    use super::*;
    use crate::campaign::{HORIZON, kinds};

    #[test]
    fn a_replay_shows_what_the_campaign_added_up() {
        let policy = shipped::trading();
        let source = Source::Workload(Workload::Mixed, HORIZON);
        for seed in 0..12 {
            let timeline = source.timeline(seed, &policy);
            let digest = timeline.digest(&policy);
            let replay = Replay::new(&timeline, &source, &policy, View::default());
            let report = &replay.report;
            assert_eq!(report.actual.failovers, digest.failovers, "seed {seed}");
            assert_eq!(report.ledger.accepted_rto_seconds, digest.accepted_rto);
            assert_eq!(report.ledger.processed_rto_seconds, digest.processed_rto);
            assert_eq!(report.ledger.overrun_phase, digest.overrun);
            assert_eq!(report.ledger.interruptions, digest.interruptions);
            assert_eq!(report.orders, digest.orders);
            assert_eq!(report.violations, digest.violations);
            assert_eq!(report.conditions.within_bounds, digest.within_bounds);
            assert_eq!(report.actual.needs_operator, digest.needs_operator);
        }
    }

    #[test]
    fn what_a_seed_leaves_out_is_told_and_never_drawn() {
        let policy = shipped::trading();
        let source = Source::Workload(Workload::Outages, HORIZON);
        let [one, other] = [1, 2].map(|seed| source.timeline(seed, &policy));
        assert_ne!(one.left_out_names(), other.left_out_names());
        for timeline in [one, other] {
            let left_out = timeline.left_out_names();
            assert!(!left_out.is_empty());
            assert!(timeline.kind_names().iter().all(|kind| !left_out.contains(kind)));
        }
    }

    #[test]
    fn an_operator_who_waits_to_be_asked_counts_only_once_an_engine_asks() {
        const WAITS: &str = "operator-acknowledges-when-asked";
        let policy = shipped::trading();
        let source = Source::Workload(Workload::Outages, HORIZON);
        let timelines = (0..200).map(|seed| source.timeline(seed, &policy));
        let mut waited = 0;
        for timeline in timelines.filter(|timeline| timeline.kind_names().contains(&WAITS)) {
            let digest = timeline.digest(&policy);
            let begun = timeline.kinds_begun(&digest);
            let counts = begun.into_iter().any(|kind| kinds::name(kind) == WAITS);
            assert!(!counts || digest.needs_operator, "seed {}", timeline.seed);
            waited += u32::from(!counts);
        }
        assert!(waited > 0, "nobody waited in vain");
    }

    #[test]
    fn a_view_ends_where_it_is_told_to_and_follows_one_witness() {
        let policy = shipped::trading();
        let source = Source::Workload(Workload::Flapping, HORIZON);
        let timeline = source.timeline(1, &policy);
        let view = View {
            until: Some(Duration::from_secs(90)),
            focus: Some("peer-application"),
        };
        let all = Replay::new(&timeline, &source, &policy, View::default()).report;
        let replay = Replay::new(&timeline, &source, &policy, view);
        assert!(all.timeline.len() > replay.report.timeline.len());
        assert!(replay.report.timeline.iter().all(|entry| entry.at_seconds <= 90.0));
        let focus = replay.focus.unwrap();
        assert!(!focus.sightings.is_empty());
        assert!(
            focus
                .sightings
                .iter()
                .all(|it| it.witness == "peer-application" && it.states.len() >= 2)
        );
    }
}
