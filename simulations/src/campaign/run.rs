//! Running a campaign on many cores.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use understudy_policies::Policy;

use super::tally::Tally;
use super::timeline::{Timeline, Workload};
use crate::digest::{Digest, EdgeSet, FaultSet, Judgement};
use crate::report::{OrdersReport, Violation};
use crate::scenario::Scenario;

/// What a timeline of a core that panics is counted as.
const PANICKED: &str = "no engine and no world ends in a panic";

/// Where timelines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Drawn, each watched for so long after its onset.
    Workload(Workload, Duration),
    /// A scenario with another seed each, watched for so long after its onset; none: as it says.
    Scenario(Box<Scenario>, Option<Duration>),
}

impl Source {
    /// The timeline of a seed.
    #[must_use]
    pub fn timeline(&self, seed: u64, policy: &Policy) -> Timeline {
        match self {
            Self::Workload(workload, horizon) => Timeline::draw(*workload, seed, policy, *horizon),
            Self::Scenario(scenario, horizon) => Timeline::of_scenario(scenario, seed, *horizon),
        }
    }
}

/// What to run.
#[derive(Debug)]
pub struct Campaign<'a> {
    /// Where timelines come from.
    pub source: &'a Source,
    /// What they are run under.
    pub policy: &'a Policy,
    /// The first seed.
    pub seed: u64,
    /// How many seeds, one timeline each.
    pub timelines: u64,
    /// How many run at the same time.
    pub cores: usize,
    /// What `replay SEED` needs besides to show the same timeline.
    pub replay_options: &'a str,
}

/// Runs a campaign. `stop` ends it after the timelines that are under way: seeds are handed out in order and one by one,
/// so what was run is always the first so many of them. `done` is called after each timeline.
pub fn run(campaign: &Campaign<'_>, stop: &AtomicBool, done: &(dyn Fn() + Sync)) -> Tally {
    let next = AtomicU64::new(0);
    let work = || {
        let mut tally = Tally::default();
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= campaign.timelines {
                break;
            }
            let timeline = campaign.source.timeline(campaign.seed + number, campaign.policy);
            let digest = catch_unwind(AssertUnwindSafe(|| timeline.digest(campaign.policy)))
                .unwrap_or_else(|panic| panicked(&timeline, panic.as_ref()));
            tally.add(&timeline, &digest, campaign.policy);
            done();
        }
        tally
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..campaign.cores.max(1)).map(|_| scope.spawn(work)).collect();
        let ended = |worker: thread::ScopedJoinHandle<'_, Tally>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(ended).fold(Tally::default(), Tally::merge)
    })
}

/// Nothing is known of a timeline that panicked but that it did. Its seed must not get lost with it.
fn panicked(timeline: &Timeline, panic: &(dyn Any + Send)) -> Digest {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    Digest {
        simulated: Duration::ZERO,
        watched: Duration::ZERO,
        within_bounds: false,
        failovers: 0,
        judgement: Judgement::default(),
        failbacks: 0,
        accepted_rto: None,
        processed_rto: None,
        processing_stopped: false,
        overrun: None,
        interrupted: Duration::ZERO,
        interruptions: 0,
        begun: FaultSet::default(),
        acted: FaultSet::default(),
        orders: OrdersReport::default(),
        edges: EdgeSet::default(),
        ends_in: None,
        needs_operator: false,
        violations: vec![Violation {
            at_seconds: 0.0,
            invariant: PANICKED,
            text: format!("seed {}: {}", timeline.seed, message.unwrap_or("no message")),
        }],
    }
}

#[cfg(test)]
mod tests {
    use understudy_policies::shipped;

    use super::*;
    use crate::campaign::{CampaignReport, HORIZON};

    fn campaign(cores: usize, seed: u64, timelines: u64) -> String {
        let policy = shipped::trading();
        let source = Source::Workload(Workload::Mixed, HORIZON);
        let campaign = Campaign {
            source: &source,
            policy: &policy,
            seed,
            timelines,
            cores,
            replay_options: "--workload mixed",
        };
        let tally = run(&campaign, &AtomicBool::new(false), &|| {});
        serde_json::to_string(&CampaignReport::new(&campaign, &tally, None)).unwrap()
    }

    #[test]
    fn the_result_does_not_depend_on_the_number_of_cores() {
        let one = campaign(1, 5, 12);
        assert_eq!(one.replace("\"cores\":1", "\"cores\":3"), campaign(3, 5, 12));
        assert_ne!(one, campaign(1, 6, 12));
    }

    #[test]
    fn a_campaign_that_is_stopped_at_once_has_run_nothing() {
        let policy = shipped::trading();
        let source = Source::Workload(Workload::Quiet, HORIZON);
        let campaign = Campaign {
            source: &source,
            policy: &policy,
            seed: 1,
            timelines: 1_000_000,
            cores: 2,
            replay_options: "--workload quiet",
        };
        let tally = run(&campaign, &AtomicBool::new(true), &|| {});
        assert_eq!(tally.timelines, 0);
    }
}
