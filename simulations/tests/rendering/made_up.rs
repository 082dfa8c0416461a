//! Reports made by hand, so that how they look does not depend on what the simulator does.

use understudy_simulations::report::{
    ActualReport, ConditionReport, ConditionsReport, DecisionReport, DisregardedReport, ExpectedReport, FindingReport,
    Kind, LedgerReport, OrdersReport, PhaseReport, Report, ScenarioReport, StandingReport, TimelineEntry, VerdictPoint,
    VerdictReport, Violation,
};
use understudy_simulations::scenario::ExpectedDecision;

const STANDBY: &str = "us-east-2 engine";

fn entry(at_seconds: f64, who: &str, kind: Kind, text: &str) -> TimelineEntry {
    TimelineEntry {
        at_seconds,
        who: who.to_owned(),
        kind,
        text: text.to_owned(),
    }
}

fn finding(guard: &'static str, passed: bool, text: &str) -> FindingReport {
    FindingReport {
        guard,
        passed,
        text: text.to_owned(),
    }
}

fn decision(at_seconds: f64, verdict: &'static str, text: &str, findings: Vec<FindingReport>) -> DecisionReport {
    DecisionReport {
        at_seconds,
        who: STANDBY.to_owned(),
        verdict,
        text: text.to_owned(),
        target: "us-east-1",
        assessment: "region lost",
        findings,
        flip: Some("time for which they have agreed: 1.500 s instead of 2 s".to_owned()),
    }
}

fn phase(phase: &'static str, from: f64, to: f64, allotted: f64) -> PhaseReport {
    PhaseReport {
        phase,
        from_seconds: from,
        to_seconds: Some(to),
        used_seconds: to - from,
        allotted_seconds: allotted,
        over: to - from > allotted + 1e-6,
    }
}

/// A failover that goes as it should.
pub(crate) fn failover() -> Report {
    let decided = decision(
        5.4,
        "fail-over",
        "fail over: us-east-1 is assessed as region lost, and every guard agrees",
        vec![
            finding(
                "quorum",
                true,
                "failure domains that call the region breached: 2, needs at least 2",
            ),
            finding(
                "dwell",
                true,
                "time for which they have agreed: 2 s, needs at least 2 s",
            ),
            finding(
                "data-loss",
                true,
                "replication lag before the first breach: 0.412 s, needs at most 5 s",
            ),
        ],
    );
    Report {
        scenario: ScenarioReport {
            name: "region-loss".to_owned(),
            title: "us-east-1 goes dark on a trading morning and stays dark".to_owned(),
            onset_unix_millis: 1_772_550_000_000,
            length_seconds: 1_200.0,
        },
        policy: "trading".to_owned(),
        seed: 1,
        conditions: ConditionsReport {
            within_bounds: true,
            figures: vec![ConditionReport {
                name: "promotion",
                value: 25.3,
                unit: "s",
                bound: Some(40.0),
                source: "assumption",
            }],
        },
        sightings: Vec::new(),
        timeline: vec![
            entry(0.0, "world", Kind::Fault, "us-east-1 region: stops answering"),
            entry(
                0.03,
                "clients",
                Kind::Clients,
                "fewer than 95 % of clients can place orders (0 %)",
            ),
            entry(
                3.1,
                STANDBY,
                Kind::Witness,
                "peer-application about us-east-1: healthy -> breached",
            ),
            entry(
                3.4,
                STANDBY,
                Kind::Witness,
                "observer-application about us-east-1: healthy -> breached",
            ),
            entry(3.4, STANDBY, Kind::Assessment, "us-east-1: steady -> region lost"),
            entry(3.4, STANDBY, Kind::State, "steady -> suspicious: a breach was seen"),
            entry(5.4, STANDBY, Kind::Decision, &decided.text),
            entry(5.5, STANDBY, Kind::Effect, "asks: claim the lease"),
            entry(14.2, "us-east-2", Kind::Database, "promotion begins"),
            entry(39.5, "us-east-2", Kind::Database, "is the writer"),
            entry(41.0, "dns", Kind::Dns, "the public name answers with us-east-2"),
            entry(44.7, "clients", Kind::Clients, "95 % of clients can place orders again"),
            entry(45.1, STANDBY, Kind::Completed, "the failover is complete"),
            entry(45.2, STANDBY, Kind::Human, "page a human: a failover happened"),
        ],
        decisions: vec![decided],
        standing: vec![
            StandingReport {
                who: "us-east-1 engine".to_owned(),
                state: None,
                now: None,
            },
            StandingReport {
                who: STANDBY.to_owned(),
                state: Some("rejoining"),
                now: Some(decision(
                    1_200.0,
                    "hold-failback",
                    "not yet home: us-east-1 is assessed as region lost",
                    vec![],
                )),
            },
        ],
        ledger: LedgerReport {
            budget_seconds: 60.0,
            phases: vec![
                phase("detect", 0.0, 3.4, 5.0),
                phase("corroborate", 3.4, 5.4, 2.0),
                phase("decide", 5.4, 5.5, 0.5),
                phase("claim", 5.5, 14.2, 10.5),
                phase("promote", 14.2, 39.5, 41.0),
                phase("redirect", 5.9, 44.7, 46.0),
                phase("verify", 44.7, 45.1, 1.0),
            ],
            counted_from_seconds: 0.0,
            interrupted_at_seconds: Some(0.03),
            accepted_rto_seconds: Some(44.7),
            processed_rto_seconds: Some(39.6),
            processing_stopped_at_seconds: Some(0.0),
            stretched_rto_seconds: Some(231.0),
            overrun_phase: None,
            interrupted_seconds: 44.67,
            interruptions: 1,
        },
        orders: OrdersReport {
            placed: 300_000,
            accepted: 290_866,
            refused: 9_134,
            processed: 290_866,
            pending: 0,
            lost: 12,
            residual_commits: 0,
        },
        disregarded: DisregardedReport::default(),
        invariants: Vec::new(),
        violations: Vec::new(),
        expected: ExpectedReport {
            decision: ExpectedDecision::FailOver,
            ends_in: Some("us-east-2"),
            no_failback_before_seconds: None,
            failback_by_seconds: None,
            within_budget: true,
            uninterrupted: false,
            interrupted_max_seconds: None,
            failovers: None,
            blocked_by: None,
            needs_operator: None,
            orders_lost_max: None,
            breaks: Vec::new(),
            because: "the region answers nobody: both failure domains agree".to_owned(),
        },
        actual: ActualReport {
            decision: ExpectedDecision::FailOver,
            decided_at_seconds: Some(5.4),
            failovers: 1,
            ends_in: Some("us-east-2"),
            failback_at_seconds: None,
            home_at_seconds: None,
            within_budget: Some(true),
            needs_operator: false,
        },
        verdict: VerdictReport {
            right: true,
            points: vec![
                VerdictPoint {
                    right: true,
                    text: "it failed over, as it ought to".to_owned(),
                },
                VerdictPoint {
                    right: true,
                    text: "both figures are inside the budget of 60 s".to_owned(),
                },
            ],
        },
    }
}

/// The same with a promotion that takes too long, outside the policy's bounds.
pub(crate) fn failover_over_budget() -> Report {
    let mut report = failover();
    report.conditions.within_bounds = false;
    report.conditions.figures[0].value = 71.25;
    report.ledger.phases[4] = phase("promote", 14.2, 85.5, 41.0);
    report.ledger.phases[6] = phase("verify", 85.5, 85.9, 1.0);
    report.ledger.processed_rto_seconds = Some(85.6);
    report.ledger.overrun_phase = Some("promote");
    report.actual.within_budget = Some(false);
    report.verdict.right = false;
    report.verdict.points[1] = VerdictPoint {
        right: false,
        text: "orders are processed again after 85.6 s: over the budget of 60 s; promote overran".to_owned(),
    };
    report
}

/// Flapping for more than an hour, and the platform stays.
pub(crate) fn hold() -> Report {
    let mut report = failover();
    report.scenario.name = "aws-2021-12-07-network".to_owned();
    report.scenario.title = "AWS, 7 December 2021: internal network of us-east-1 congested".to_owned();
    report.timeline = vec![entry(
        0.0,
        "world",
        Kind::Fault,
        "us-east-1 load-balancer: comes and goes",
    )];
    report.decisions.clear();
    for cycle in 0..120_u32 {
        let at = f64::from(cycle) * 40.0;
        let held = decision(
            at + 4.0,
            "hold",
            "hold: us-east-1 is assessed as application lost",
            vec![
                finding(
                    "quorum",
                    true,
                    "failure domains that call the region breached: 2, needs at least 2",
                ),
                finding(
                    "dwell",
                    false,
                    "time for which they have agreed: 0.900 s, needs at least 2 s",
                ),
            ],
        );
        report.timeline.extend([
            entry(
                at + 3.1,
                STANDBY,
                Kind::Witness,
                "peer-application about us-east-1: healthy -> breached",
            ),
            entry(at + 4.0, STANDBY, Kind::Decision, &held.text),
            entry(
                at + 9.0,
                STANDBY,
                Kind::Witness,
                "peer-application about us-east-1: breached -> healthy",
            ),
        ]);
        report.decisions.push(held);
    }
    report.timeline.push(entry(
        4_800.0,
        "world",
        Kind::Fault,
        "us-east-1 load-balancer: works again",
    ));
    report.ledger.phases.clear();
    report.ledger.accepted_rto_seconds = None;
    report.ledger.processed_rto_seconds = None;
    report.ledger.stretched_rto_seconds = None;
    report.ledger.interrupted_at_seconds = None;
    report.ledger.processing_stopped_at_seconds = None;
    report.ledger.interruptions = 0;
    report.orders.lost = 0;
    report.expected.decision = ExpectedDecision::Hold;
    report.actual.decision = ExpectedDecision::Hold;
    report.verdict.points = vec![VerdictPoint {
        right: true,
        text: "it held, as it ought to".to_owned(),
    }];
    report
}

/// Both regions commit: what must never happen.
pub(crate) fn split_brain() -> Report {
    let mut report = hold();
    report.scenario.name = "partition".to_owned();
    report.timeline.truncate(4);
    report.violations.push(Violation {
        at_seconds: 31.25,
        invariant: "commits",
        text: "us-east-1 committed 14 orders after the promotion of us-east-2 began".to_owned(),
    });
    report
}
