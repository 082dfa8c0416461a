//! Two engines, a made-up world, and what they make of it.

use std::time::Duration;

use crate::pair::{ANSWERS, Pair};
use crate::scenes::{AWAY, HOME, HOUR, SECOND, pair};
use understudy_engine::core::decision::{Guard, Value, Verdict};
use understudy_engine::core::effect::{Intent, Outcome};
use understudy_engine::core::ids::{Epoch, Region, Switch};
use understudy_engine::core::ledger::Phase;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;
use understudy_policies::shipped;

#[test]
fn a_quiet_platform_stays_as_it_is() {
    let mut pair = pair();
    pair.run(HOUR);
    assert_eq!(pair.states(), [StateName::Serving, StateName::Steady]);
    assert_eq!((pair.verdicts(HOME), pair.verdicts(AWAY)), (vec![], vec![]));
    assert_eq!(pair.lease.epoch, Epoch(1));
    assert!(
        pair.serving[0] > i64::try_from(pair.now.as_micros()).unwrap(),
        "orders may commit"
    );
}

#[test]
fn the_loss_of_the_region_is_answered_with_exactly_these_effects() {
    let mut pair = pair();
    pair.sides[AWAY].asked.clear();
    pair.lose(Region::Home);
    let took = pair.run_to("a finished failover", 60 * SECOND, |pair| {
        pair.states()[1] == StateName::Rejoining
    });
    assert!(took < 45 * SECOND, "{took:?}");
    assert_eq!(pair.lease.epoch, Epoch(2));
    assert_eq!(
        (pair.lease.holder, pair.writer, pair.switches),
        (Region::Away, Region::Away, [true, true])
    );
    let asked: Vec<String> = pair.sides[AWAY]
        .asked
        .iter()
        .map(|intent| format!("{intent:?}").split([' ', '(']).next().unwrap().to_owned())
        .collect();
    assert_eq!(
        asked,
        [
            "Lease", // the claim
            "SetSwitch",
            "SetSwitch",
            "Announce",
            "Lease", // the epoch
            "OpenIntake",
            "PinRecord",
            "PromoteDatabase",
            "OpenProcessing",
            "VerifyWrite",
            "VerifyRouting",
            "Lease", // the completion
            "Announce",
            "Page",
        ]
    );
    assert_eq!(pair.verdicts(AWAY), [Verdict::FailOver]);
    let decision = pair.decisions(AWAY)[0];
    assert!(decision.findings.iter().all(|finding| finding.passed), "{decision:?}");
    let flip = decision.flip.unwrap();
    assert_eq!(
        (flip.guard, flip.saw, flip.instead),
        (Guard::Quorum, Value::Count(2), Value::Count(1))
    );
}

#[test]
fn the_ledger_accounts_for_every_phase() {
    let mut pair = pair();
    pair.lose(Region::Home);
    pair.run_to("a finished failover", 60 * SECOND, |pair| {
        pair.states()[1] == StateName::Rejoining
    });
    let ledger = pair.sides[AWAY].engine.status(pair.at()).ledger;
    for phase in Phase::ALL {
        let span = ledger
            .span(phase)
            .unwrap_or_else(|| panic!("{} is missing", phase.name()));
        assert!(span.ended.is_some(), "{} has not ended", phase.name());
    }
    assert!(ledger.used(Phase::Promote, pair.now).unwrap() >= 20 * SECOND);
    assert!(ledger.used(Phase::Corroborate, pair.now).unwrap() >= 2 * SECOND);
}

#[test]
fn a_gray_primary_that_renews_is_stopped_by_the_claim() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.run_to("a finished failover", 60 * SECOND, |pair| {
        pair.states()[1] == StateName::Rejoining
    });
    assert_eq!(pair.states()[0], StateName::Steady, "the old holder stands by");
    assert!(!pair.open[0] && pair.open[1]);
    assert_eq!(pair.verdicts(HOME), [Verdict::Fence]);
}

#[test]
fn a_gray_primary_that_releases_the_lease_is_not_waited_for() {
    let waited = |later: Duration| {
        let mut pair = pair();
        pair.run(later);
        pair.health[0].application = false;
        pair.run_to("the claim", 60 * SECOND, |pair| pair.lease.claim.is_some());
        pair.run_to("the raised epoch", 60 * SECOND, |pair| pair.lease.epoch == Epoch(2))
    };
    // The holder sees the claim with its next renewal and releases, and the taker sees that with its next look and
    // raises the epoch: two beats, and four answers of the store, whenever the loss begins.
    let most = 2 * shipped::trading().lease.renew_every + 4 * ANSWERS;
    let longest = (0..20_u32).map(|phase| waited(phase * SECOND / 20)).max().unwrap();
    assert!(
        longest <= most,
        "a whole lease would be 8.25 s: {longest:?}, needs at most {most:?}"
    );
}

#[test]
fn the_database_of_a_holder_that_is_cut_off_stops_before_the_taker_may_start() {
    let mut pair = pair();
    pair.health[0].store = false;
    pair.health[0].reachable = false;
    pair.peer_path = false;
    pair.run_to("the raised epoch", 60 * SECOND, |pair| pair.lease.epoch == Epoch(2));
    let now = i64::try_from(pair.now.as_micros()).unwrap();
    assert!(pair.serving[0] < now, "the old serving row has run out");
    assert_eq!(pair.states()[0], StateName::SelfFenced);
}

#[test]
fn one_failure_domain_is_not_a_quorum() {
    let mut pair = pair();
    // The path between the regions is cut, and the observer sees both.
    pair.peer_path = false;
    pair.run(60 * SECOND);
    assert_eq!(pair.states(), [StateName::Serving, StateName::Suspicious]);
    pair.run(120 * SECOND);
    assert_eq!(
        pair.states(),
        [StateName::Serving, StateName::Steady],
        "it was judged, and held"
    );
    let decision = pair.decisions(AWAY)[0];
    assert_eq!(decision.verdict, Verdict::Hold);
    let flip = decision.flip.unwrap();
    assert_eq!(
        (flip.guard, flip.saw, flip.instead),
        (Guard::Quorum, Value::Count(1), Value::Count(2))
    );
}

#[test]
fn the_loss_of_all_monitoring_is_no_loss() {
    let mut pair = pair();
    pair.observer_up = false;
    pair.health[0].reachable = false;
    pair.reference_up[1] = false;
    pair.run(180 * SECOND);
    assert_eq!(pair.states(), [StateName::Serving, StateName::Steady]);
    assert_eq!(pair.verdicts(AWAY), [Verdict::Hold]);
}

#[test]
fn both_regions_breached_alike_is_a_veto() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.health[1].application = false;
    pair.run(180 * SECOND);
    assert_eq!(pair.states(), [StateName::Serving, StateName::Steady]);
    let decisions = pair.decisions(AWAY);
    assert_eq!(decisions[0].verdict, Verdict::Hold);
    assert!(
        decisions[0]
            .findings
            .iter()
            .any(|finding| finding.guard == Guard::NotShared && !finding.passed)
    );
}

#[test]
fn a_loss_that_would_cost_too_much_is_blocked_until_two_people_accept_it() {
    let mut pair = blocked_by_lag();
    let decision = pair.decisions(AWAY)[0].clone();
    let objecting: Vec<_> = decision.findings.iter().filter(|finding| !finding.passed).collect();
    assert_eq!(objecting.len(), 1);
    assert_eq!(
        (objecting[0].guard, objecting[0].saw),
        (Guard::DataLoss, Value::Span(Duration::from_secs(9)))
    );
    let at = pair.at();
    assert!(
        pair.sides[AWAY]
            .engine
            .handle_command(at, Command::FailOver { accept_loss: false })
            .is_err()
    );
    assert_eq!(
        pair.sides[AWAY]
            .engine
            .handle_command(at, Command::FailOver { accept_loss: true }),
        Ok(())
    );
    pair.run_to("a finished failover", 60 * SECOND, |pair| {
        pair.states()[1] == StateName::Rejoining
    });
}

#[test]
fn a_consent_is_good_for_one_failover_even_if_that_came_to_nothing() {
    let mut pair = blocked_by_lag();
    pair.health[AWAY].store = false;
    assert!(pair.command(AWAY, Command::FailOver { accept_loss: true }));
    pair.run_to("a failover that is given up", 60 * SECOND, |pair| {
        !pair.states()[1].is_role_change()
    });
    pair.health[AWAY].store = true;
    pair.run(2 * 60 * SECOND);
    assert_eq!(pair.states()[1], StateName::Blocked);
    assert_eq!(pair.lease.epoch, Epoch(1));
}

/// Home is lost while replication lags by more than the policy lets a failover lose.
fn blocked_by_lag() -> Pair {
    let mut pair = Pair::new(shipped::trading());
    pair.lag = Some(Duration::from_secs(9));
    pair.run(15 * SECOND);
    pair.lose(Region::Home);
    pair.run(60 * SECOND);
    assert_eq!(pair.states()[1], StateName::Blocked);
    pair
}

#[test]
fn a_lost_database_is_given_time_to_fail_over_inside_its_region() {
    let mut pair = pair();
    pair.health[0].database = false;
    pair.run(25 * SECOND);
    assert_eq!(pair.states()[1], StateName::Blocked);
    let decision = pair.decisions(AWAY)[0];
    assert!(
        decision
            .findings
            .iter()
            .all(|finding| finding.passed || finding.guard == Guard::LossWait)
    );
    pair.health[0].database = true;
    pair.run(30 * SECOND);
    assert_eq!(pair.states(), [StateName::Serving, StateName::Steady]);
    assert_eq!(pair.lease.epoch, Epoch(1));
}

#[test]
fn shadow_mode_changes_nothing_and_records_what_it_would_have_done() {
    let mut policy = shipped::trading();
    policy.mode = understudy_policies::model::Mode::Shadow;
    let mut pair = Pair::new(policy);
    pair.run(15 * SECOND);
    pair.lose(Region::Home);
    pair.run(60 * SECOND);
    assert_eq!(pair.lease, understudy_engine::core::lease::LeaseRecord::initial());
    assert_eq!(pair.verdicts(AWAY), [Verdict::WouldFailOver]);
    assert!(
        pair.sides[AWAY]
            .asked
            .iter()
            .all(|intent| matches!(intent, Intent::DescribeDatabase | Intent::ReadSwitches))
    );
}

#[test]
fn a_paused_engine_holds_and_goes_on_renewing() {
    let mut pair = pair();
    let at = pair.at();
    for side in [HOME, AWAY] {
        assert_eq!(pair.sides[side].engine.handle_command(at, Command::Pause), Ok(()));
    }
    let renewals = pair.lease.renewals;
    pair.health[0].application = false;
    pair.run(60 * SECOND);
    assert_eq!(pair.states(), [StateName::Serving, StateName::Blocked]);
    assert!(pair.lease.renewals > renewals + 50);
    let at = pair.at();
    assert_eq!(pair.sides[AWAY].engine.handle_command(at, Command::Resume), Ok(()));
    pair.run_to("a finished failover", 60 * SECOND, |pair| {
        pair.states()[1] == StateName::Rejoining
    });
}

#[test]
fn the_platform_comes_home_when_the_region_has_proved_itself_and_the_market_is_closed() {
    let mut pair = pair();
    pair.lose(Region::Home);
    pair.run_to("a finished failover", 60 * SECOND, |pair| {
        pair.states()[1] == StateName::Rejoining
    });
    pair.run(HOUR / 2);
    pair.bring_back(Region::Home);
    pair.run_to("a rebuilt standby", HOUR, |pair| pair.states()[1] == StateName::Soaking);
    assert!(pair.lease.protected);
    let home = pair.run_to("home", 24 * HOUR, |pair| pair.states()[0] == StateName::Serving);
    // Lost at noon in New York; the market closes at 20:00.
    assert!(home > 6 * HOUR && home < 8 * HOUR, "{home:?}");
    pair.run(60 * SECOND);
    assert_eq!(pair.states(), [StateName::Serving, StateName::Steady]);
    assert_eq!((pair.lease.epoch, pair.lease.holder), (Epoch(3), Region::Home));
    assert_eq!(
        (pair.writer, pair.switches, pair.open),
        (Region::Home, [false, false], [true, false])
    );
    assert!(pair.lease.protected, "the platform is protected again");
    let verdicts = pair.verdicts(AWAY);
    assert!(
        verdicts.contains(&Verdict::HoldFailback) && verdicts.ends_with(&[Verdict::FailBack]),
        "{verdicts:?}"
    );
}

#[test]
fn losing_the_standby_disturbs_nothing_but_pages() {
    let mut pair = pair();
    pair.lose(Region::Away);
    pair.run(120 * SECOND);
    assert_eq!(pair.states()[0], StateName::Serving);
    assert_eq!(pair.lease.epoch, Epoch(1));
    let pages = pair.sides[HOME]
        .asked
        .iter()
        .filter(|intent| matches!(intent, Intent::Page(_)))
        .count();
    assert_eq!(pages, 1);
}

#[test]
fn a_store_that_is_lost_for_both_is_bridged_by_grants() {
    let mut pair = pair();
    pair.health[0].store = false;
    pair.health[1].store = false;
    pair.run(120 * SECOND);
    assert_eq!(pair.states()[0], StateName::Serving);
    assert!(
        pair.serving[0] > i64::try_from(pair.now.as_micros()).unwrap(),
        "orders still commit"
    );
    pair.peer_path = false;
    pair.run(10 * SECOND);
    assert_eq!(
        pair.states()[0],
        StateName::SelfFenced,
        "with neither store nor peer it is isolated"
    );
}

#[test]
fn a_promotion_that_timed_out_is_looked_up_and_not_repeated() {
    let mut pair = pair();
    pair.lose(Region::Home);
    pair.scripted.push((
        |intent| matches!(intent, Intent::PromoteDatabase { .. }),
        Outcome::TimedOut,
    ));
    pair.run_to("the promotion asked for", 60 * SECOND, |pair| {
        pair.sides[AWAY]
            .asked
            .iter()
            .any(|intent| matches!(intent, Intent::PromoteDatabase { .. }))
    });
    pair.writer = Region::Away;
    pair.run_to("a finished failover", 60 * SECOND, |pair| {
        pair.states()[1] == StateName::Rejoining
    });
    let promotions = pair.sides[AWAY]
        .asked
        .iter()
        .filter(|intent| matches!(intent, Intent::PromoteDatabase { .. }))
        .count();
    assert_eq!(promotions, 1);
}

#[test]
fn a_refused_promotion_is_undone() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.scripted.push((
        |intent| matches!(intent, Intent::PromoteDatabase { .. }),
        Outcome::Refused,
    ));
    pair.run_to("the undoing", 60 * SECOND, |pair| {
        pair.states()[1] == StateName::Reverting
    });
    pair.health[0].application = true;
    pair.run_to("standing by again", 60 * SECOND, |pair| {
        pair.states() == [StateName::Serving, StateName::Steady]
    });
    assert_eq!((pair.lease.holder, pair.lease.epoch), (Region::Home, Epoch(3)));
    assert_eq!(pair.switches, [false, false]);
}

#[test]
fn a_sidecar_that_crashes_in_the_middle_goes_on_where_it_was() {
    let mut pair = pair();
    pair.lose(Region::Home);
    pair.run_to("moving", 60 * SECOND, |pair| pair.states()[1] == StateName::Moving);
    pair.sides[AWAY].up = false;
    pair.run(2 * SECOND);
    let restarted = pair.add(Region::Away, 1);
    pair.run_to("a finished failover", 90 * SECOND, |pair| {
        pair.states()[1] == StateName::Rejoining
    });
    let first = pair.sides[restarted]
        .asked
        .iter()
        .find(|intent| matches!(intent, Intent::PromoteDatabase { .. }) || **intent == Intent::DescribeDatabase);
    assert_eq!(first, Some(&Intent::DescribeDatabase), "it looks before it acts");
}

#[test]
fn another_sidecar_takes_over_from_a_driver_that_fell_silent() {
    let mut pair = pair();
    let second = pair.add(Region::Away, 2);
    pair.run(5 * SECOND);
    assert!(!pair.sides[second].engine.status(pair.at()).drives);
    pair.sides[AWAY].up = false;
    pair.lose(Region::Home);
    pair.run_to("a finished failover", 60 * SECOND, |pair| {
        pair.states()[1] == StateName::Rejoining
    });
    assert!(pair.sides[second].engine.status(pair.at()).drives);
}

#[test]
fn with_two_sidecars_only_the_driver_acts() {
    let mut pair = pair();
    let second = pair.add(Region::Away, 2);
    pair.add(Region::Home, 2);
    pair.run(5 * SECOND);
    pair.lose(Region::Home);
    pair.run_to("a finished failover", 60 * SECOND, |pair| {
        pair.sides[AWAY].engine.state() == StateName::Rejoining
    });
    let acted = |intent: &&Intent| {
        matches!(
            intent,
            Intent::PromoteDatabase { .. } | Intent::SetSwitch { .. } | Intent::PinRecord { .. }
        )
    };
    assert_eq!(pair.sides[second].asked.iter().filter(acted).count(), 0);
    assert_eq!(
        pair.sides[second].engine.state(),
        StateName::Serving,
        "it renews, and leaves the rest to the driver"
    );
}

#[test]
fn an_operator_can_fail_over_a_healthy_platform_and_bring_it_back() {
    let mut pair = pair();
    let at = pair.at();
    assert_eq!(
        pair.sides[AWAY]
            .engine
            .handle_command(at, Command::FailOver { accept_loss: false }),
        Ok(())
    );
    pair.run_to("soaking", 2 * HOUR, |pair| pair.states()[1] == StateName::Soaking);
    let at = pair.at();
    assert_eq!(pair.sides[AWAY].engine.handle_command(at, Command::FailBack), Ok(()));
    pair.run_to("home", HOUR, |pair| {
        pair.states() == [StateName::Serving, StateName::Steady]
    });
}

#[test]
fn a_failback_whose_switchover_fails_is_rolled_back() {
    let mut pair = pair();
    pair.lose(Region::Home);
    pair.run_to("a finished failover", 60 * SECOND, |pair| {
        pair.states()[1] == StateName::Rejoining
    });
    pair.bring_back(Region::Home);
    pair.run_to("soaking", 2 * HOUR, |pair| pair.states()[1] == StateName::Soaking);
    pair.scripted.push((
        |intent| matches!(intent, Intent::SwitchOverDatabase { .. }),
        Outcome::Refused,
    ));
    let at = pair.at();
    assert_eq!(pair.sides[AWAY].engine.handle_command(at, Command::FailBack), Ok(()));
    pair.run_to("rolled back", HOUR, |pair| pair.states()[1] == StateName::RollingBack);
    pair.run_to("soaking again", HOUR, |pair| pair.states()[1] == StateName::Soaking);
    assert!(pair.open[1] && pair.lease.role_change.is_none());
    assert_eq!(pair.switches, [true, true], "{:?}", Switch::BOTH);
}
