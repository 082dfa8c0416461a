//! Every invariant finds the bug that it is there for, and is silent without it.

use std::collections::BTreeSet;
use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::seeded::SeededBug;
use understudy_engine::core::signal::Command;
use understudy_engine::core::time::WallTime;
use understudy_policies::model::{Mode, StoreLost};
use understudy_policies::{Policy, shipped};
use understudy_simulations::conditions::Conditions;
use understudy_simulations::invariants;
use understudy_simulations::report::Report;
use understudy_simulations::run::{conditions_rng, run_with, with_bug};
use understudy_simulations::scenario::{
    Evidence, Expect, ExpectedDecision, Fault, FaultState, Operation, Origin, Part, Place, Scenario, Subject,
};
use understudy_simulations::seeded::Bug;

const SEED: u64 = 1;

/// A bug, where it shows, and the files of the invariants that it breaks there: these and no others.
struct Case {
    bug: Bug,
    faults: Vec<Fault>,
    operations: Vec<Operation>,
    /// How long the run goes on after the onset, in seconds.
    seconds: u64,
    policy: Policy,
    conditions: Conditions,
    breaks: Vec<&'static str>,
}

impl Case {
    fn new(bug: Bug, seconds: u64, faults: Vec<Fault>) -> Self {
        let policy = shipped::trading();
        let mut conditions = Conditions::modelled(&policy, &mut conditions_rng(SEED));
        conditions.promotion = Duration::from_secs(25);
        conditions.rejoin = Duration::from_secs(60);
        conditions.reconcile = Duration::from_secs(10);
        conditions.engine_turn = Duration::from_millis(400);
        Self {
            breaks: bug.found_by().to_vec(),
            bug,
            faults,
            operations: Vec::new(),
            seconds,
            policy,
            conditions,
        }
    }

    fn core(bug: SeededBug, seconds: u64, faults: Vec<Fault>) -> Self {
        Self::new(Bug::Core(bug), seconds, faults)
    }

    fn breaking(mut self, breaks: &[&'static str]) -> Self {
        self.breaks = breaks.to_vec();
        self
    }

    /// An operator asks the standby's engine for something half a minute before the onset.
    fn after(mut self, command: Command) -> Self {
        self.operations.push(Operation {
            origin: Origin::BeforeOnset(Duration::from_secs(30)),
            at: Duration::ZERO,
            region: Region::Away,
            sidecar: None,
            command,
            note: String::new(),
        });
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Policy, &mut Conditions)) -> Self {
        change(&mut self.policy, &mut self.conditions);
        self
    }

    fn scenario(&self) -> Scenario {
        let onset = Duration::from_secs(60);
        Scenario {
            name: "seeded".to_owned(),
            title: String::new(),
            theme: None,
            variant_of: None,
            begins_in: Region::Home,
            // A Tuesday morning in New York.
            start: WallTime::from_millis(1_772_549_700_000),
            onset,
            horizon: onset + Duration::from_secs(self.seconds),
            order_path: vec![Part::ApiGateway, Part::Lambda, Part::Sqs, Part::Aurora],
            policy: "trading".to_owned(),
            mode: None,
            approval_after: None,
            sidecars: None,
            stretching_resolvers: None,
            seed: None,
            sources: Vec::new(),
            expect: Expect::only(ExpectedDecision::FailOver, "it was made up"),
            faults: self.faults.clone(),
            operations: self.operations.clone(),
        }
    }

    fn clean(&self) -> Report {
        run_with(&self.scenario(), &self.policy, SEED, self.conditions.clone())
    }

    fn broken(&self) -> Report {
        with_bug(self.bug, &self.scenario(), &self.policy, SEED, self.conditions.clone())
    }
}

fn fault(subject: Subject, state: FaultState, at: u64, until: Option<u64>) -> Fault {
    Fault {
        subject,
        state,
        origin: Origin::Onset,
        at: Duration::from_millis(at),
        until: until.map(Duration::from_millis),
        evidence: Evidence::Inferred,
        note: String::new(),
    }
}

/// A fault of a part, from one second to another.
fn broken(part: Part, place: Place, state: FaultState, at: u64, until: Option<u64>) -> Fault {
    fault(
        Subject::Part { part, place },
        state,
        at * 1_000,
        until.map(|until| until * 1_000),
    )
}

fn down(part: Part, place: Place) -> Fault {
    broken(part, place, FaultState::Down, 0, None)
}

fn cut(from: Place, to: Place) -> Fault {
    let subject = Subject::Link {
        from,
        to,
        both_ways: true,
    };
    fault(subject, FaultState::Hang, 0, None)
}

fn region_lost() -> Vec<Fault> {
    vec![down(Part::Region, Place::Home)]
}

/// Home serves clients, sees neither the other region nor the witness region, and nobody is there to stop it.
fn isolated_without_sidecars() -> Vec<Fault> {
    vec![
        cut(Place::Home, Place::Away),
        cut(Place::Home, Place::Witness),
        broken(Part::Sidecars, Place::Home, FaultState::Hang, 0, None),
    ]
}

/// Home comes back after a minute, and its database is rebuilt.
fn region_lost_for_a_minute() -> Vec<Fault> {
    vec![broken(Part::Region, Place::Home, FaultState::Down, 0, Some(60))]
}

/// The standby's sidecar stands still from right after its decision until the claim's last moment is long over.
fn paused_between_decision_and_claim() -> Case {
    let mut case = Case::new(Bug::ShellIgnoresLastMoment, 60, region_lost());
    let decided = case.clean().actual.decided_at_seconds.expect("it decides to fail over");
    let after = Duration::from_secs_f64(decided) + Duration::from_millis(200);
    let subject = Subject::Part {
        part: Part::Sidecars,
        place: Place::Away,
    };
    case.faults.push(Fault {
        at: after,
        until: Some(after + Duration::from_secs(5)),
        ..fault(subject, FaultState::Hang, 0, None)
    });
    case
}

fn cases() -> Vec<Case> {
    vec![
        // The run ends while the other region's promotion is under way.
        Case::new(Bug::FenceIgnoresClock, 30, isolated_without_sidecars()).breaking(&["commits_fenced.rs"]),
        Case::new(Bug::FenceIgnoresClock, 90, isolated_without_sidecars()),
        paused_between_decision_and_claim(),
        // Decided after the holder's own end, and before the lease's.
        Case::core(SeededBug::SkipsTheWait, 60, region_lost())
            .with(|policy, _| policy.quorum.dwell = Duration::from_millis(3_400)),
        Case::core(SeededBug::NeverLapses, 60, {
            let mut faults = vec![cut(Place::Home, Place::Away), cut(Place::Home, Place::Witness)];
            faults.push(down(Part::ApiGateway, Place::Home));
            faults
        }),
        Case::core(
            SeededBug::OverstatesTheRow,
            60,
            vec![down(Part::Heartbeat, Place::Home)],
        ),
        Case::core(
            SeededBug::ActsInTheNextEpoch,
            60,
            vec![down(Part::Heartbeat, Place::Home)],
        ),
        Case::core(SeededBug::NoLastMoment, 60, region_lost()),
        Case::core(SeededBug::SecretPromotion, 60, region_lost()),
        // Longer than the engine waits for its answer.
        Case::core(SeededBug::PromotesAgain, 200, region_lost())
            .with(|_, conditions| conditions.promotion = Duration::from_secs(100)),
        // The standby's copy is damaged, so what was begun is undone.
        Case::core(
            SeededBug::LeavesSwitches,
            500,
            vec![
                broken(Part::ApiGateway, Place::Home, FaultState::Down, 0, Some(60)),
                broken(Part::Aurora, Place::Away, FaultState::Damaged, 0, None),
            ],
        ),
        Case::core(
            SeededBug::IgnoresLag,
            180,
            vec![
                down(Part::Replication, Place::Away),
                broken(Part::Region, Place::Home, FaultState::Down, 90, None),
            ],
        ),
        Case::core(SeededBug::KeepsLossQuiet, 900, region_lost_for_a_minute())
            .with(|_, conditions| conditions.replication_lag = Duration::from_secs(2)),
        Case::core(SeededBug::NoCoolDown, 900, {
            let mut faults = region_lost_for_a_minute();
            faults.push(broken(Part::ApiGateway, Place::Away, FaultState::Down, 600, None));
            faults
        }),
        Case::core(SeededBug::CountsAlarms, 120, vec![cut(Place::Home, Place::Away)]),
        Case::core(SeededBug::ShadowActs, 60, region_lost()).with(|policy, _| policy.mode = Mode::Shadow),
        Case::core(SeededBug::IgnoresPause, 60, region_lost()).after(Command::Pause),
        Case::core(SeededBug::ActsDisarmed, 60, region_lost()).after(Command::Disarm),
        // The public name never follows.
        Case::core(SeededBug::ForgetsDeadlines, 900, region_lost())
            .with(|_, conditions| conditions.dns_propagation = Duration::from_secs(7_200)),
        Case::core(SeededBug::ResumesByItself, 900, region_lost())
            .with(|_, conditions| conditions.dns_propagation = Duration::from_secs(7_200)),
        // The store is lost for both regions for half a minute, and the holder fences itself.
        Case::core(
            SeededBug::StaysClosed,
            3_600,
            [Place::Home, Place::Away]
                .map(|place| broken(Part::LeaseEndpoint, place, FaultState::Down, 0, Some(30)))
                .to_vec(),
        )
        .with(|policy, _| policy.lease.store_lost = StoreLost::Fence),
        Case::core(SeededBug::HiddenState, 60, region_lost()),
    ]
}

fn found(report: &Report) -> BTreeSet<&'static str> {
    let file = |name| {
        let invariant = invariants::ALL.iter().find(|invariant| invariant.name == name);
        invariant.expect("a violation names its invariant").file
    };
    report
        .violations
        .iter()
        .map(|violation| file(violation.invariant))
        .collect()
}

#[test]
fn each_bug_breaks_its_invariant_and_no_other() {
    let wrong = cases().into_iter().filter_map(|case| {
        let report = case.broken();
        let expected: BTreeSet<_> = case.breaks.iter().copied().collect();
        let found = found(&report);
        (found != expected).then(|| {
            let first = report.violations.first();
            format!(
                "{}: {found:?} instead of {expected:?}, first {first:#?}",
                case.bug.name()
            )
        })
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_scenarios_are_clean_without_the_bug() {
    for case in cases() {
        let report = case.clean();
        assert_eq!(report.violations, [], "{}", case.bug.name());
    }
}

#[test]
fn every_invariant_has_a_bug_that_it_finds_and_every_bug_a_scenario() {
    let cases = cases();
    for invariant in invariants::ALL {
        let found = cases.iter().any(|case| case.breaks.contains(&invariant.file));
        assert!(found, "{}: no seeded bug shows that it can break", invariant.file);
    }
    for bug in Bug::all() {
        assert!(cases.iter().any(|case| case.bug == bug), "{}", bug.name());
    }
}

#[test]
fn the_page_about_invariants_is_the_one_that_is_written() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/invariants.md");
    let written = std::fs::read_to_string(page).expect("the page is there");
    let command = "cargo run --release -p understudy-simulations --features seeded-bugs --example invariants_page";
    assert!(
        written == understudy_simulations::seeded::page(),
        "write it again: {command}"
    );
}
