//! The rendered machines, looked at.

use std::collections::BTreeMap;

use serde_json::Value;
use understudy_engine::core::lease::RoleChangeKind;
use understudy_engine::core::machine::StateName;
use understudy_engine::workflow::{FAILBACK, FAILOVER, OnFailure, Retry, StepId};
use understudy_policies::shipped;
use understudy_provisioner::templates::Platform;

use crate::made;

/// All states of a definition, those of branches included.
fn states(definition: &Value, all: &mut Vec<(String, Value)>) {
    for (name, state) in definition["States"].as_object().unwrap() {
        all.push((name.clone(), state.clone()));
        for branch in state["Branches"].as_array().into_iter().flatten() {
            states(branch, all);
        }
    }
}

#[test]
fn every_state_and_every_step_has_the_name_that_the_engine_gives_it() {
    let (platform, _) = made(&shipped::trading());
    for machine in &platform.machines {
        let mut all = Vec::new();
        states(&machine.definition, &mut all);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let definition = match machine.way {
            RoleChangeKind::Failover => FAILOVER,
            RoleChangeKind::Failback => FAILBACK,
        };
        for step in definition.steps {
            let name = serde_json::to_value(step.id).unwrap();
            assert!(names.contains(&name.as_str().unwrap()), "{name} in {names:?}");
            assert!(names.contains(&step.state.name()), "{:?}", step.state);
        }
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len(), "a name stands for one state");
    }
}

#[test]
fn what_must_not_be_done_twice_is_never_retried_and_every_call_is_caught() {
    let (platform, _) = made(&shipped::trading());
    for machine in &platform.machines {
        let mut all = Vec::new();
        states(&machine.definition, &mut all);
        for (name, state) in &all {
            if state["Type"] == "Task" {
                let caught = state["Catch"].as_array().into_iter().flatten();
                assert!(
                    caught
                        .map(|catch| &catch["ErrorEquals"][0])
                        .any(|error| error == "States.ALL"),
                    "{name}"
                );
                assert!(
                    state["TimeoutSeconds"].as_u64().is_some_and(|seconds| seconds >= 1),
                    "{name}"
                );
            }
            if state["Type"] == "Fail" {
                assert!(state["Error"].is_string() || state["ErrorPath"].is_string(), "{name}");
                assert!(state["Cause"].is_string() || state["CausePath"].is_string(), "{name}");
            }
        }
        let definition = match machine.way {
            RoleChangeKind::Failover => FAILOVER,
            RoleChangeKind::Failback => FAILBACK,
        };
        for step in definition.steps.iter().filter(|step| step.retry == Retry::LookFirst) {
            let name = serde_json::to_value(step.id).unwrap();
            let (_, state) = all.iter().find(|(found, _)| *found == name).unwrap();
            assert!(state["Retry"].is_null(), "{name}");
        }
    }
}

/// The state at the top that is, or holds, a state.
fn at_the_top<'a>(top: &'a Value, state: &str) -> (&'a String, &'a Value) {
    let mut all = top.as_object().unwrap().iter();
    let holds = |(name, found): &(&String, &Value)| {
        let mut inside = Vec::new();
        for branch in found["Branches"].as_array().into_iter().flatten() {
            states(branch, &mut inside);
        }
        *name == state || inside.iter().any(|(name, _)| name == state)
    };
    all.find(holds).unwrap_or_else(|| panic!("{state} is nowhere"))
}

/// The error in which a step's failure ends.
fn error(id: StepId) -> String {
    let name = serde_json::to_value(id).unwrap();
    let words = name.as_str().unwrap().split('-');
    words
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect::<String>()
        + "Failed"
}

#[test]
fn a_failed_step_leads_where_its_definition_says() {
    let (platform, _) = made(&shipped::trading());
    let failover = platform
        .machines
        .iter()
        .find(|machine| machine.way == RoleChangeKind::Failover)
        .unwrap();
    let top = &failover.definition["States"];
    for step in FAILOVER.steps.iter().filter(|step| step.state != StateName::Reverting) {
        let name = serde_json::to_value(step.id).unwrap();
        let error = error(step.id);
        let catches = at_the_top(top, step.state.name()).1["Catch"].as_array().unwrap();
        let named = catches
            .iter()
            .find(|catch| catch["ErrorEquals"].as_array().unwrap().iter().any(|one| *one == error));
        let leads_to = named.map_or("needs_operator", |catch| catch["Next"].as_str().unwrap());
        let wanted = if step.on_failure == OnFailure::Revert {
            "reverting"
        } else {
            "needs_operator"
        };
        assert_eq!(leads_to, wanted, "{name}");
    }
}

/// What the engine leaves a state without waiting for, no branch waits for here: it stands beside the states that come after.
#[test]
fn what_carries_over_stands_beside_the_states_that_it_carries_into() {
    let (platform, _) = made(&shipped::trading());
    let failover = failover_of(&platform);
    let top = &failover["States"];
    let mut carried = Vec::new();
    for step in FAILOVER.steps.iter().filter(|step| step.carries_over) {
        let name = serde_json::to_value(step.id).unwrap().as_str().unwrap().to_owned();
        let all = failover_states();
        let mut inside = Vec::new();
        for branch in all[step.state.name()]["Branches"].as_array().unwrap() {
            states(branch, &mut inside);
        }
        assert!(inside.iter().all(|(inside, _)| *inside != name), "{name} is waited for");
        // One `Parallel` holds it and every state that it goes on in.
        let holder = at_the_top(top, &name).0;
        for later in [StateName::Moving, StateName::Verifying, StateName::Rejoining] {
            let beside = step.carries_into(later) || later == step.state;
            assert!(
                beside && at_the_top(top, later.name()).0 == holder,
                "{name} in {later:?}"
            );
        }
        // Its failure fails nothing.
        let fails = all.values().filter(|state| state["Type"] == "Fail");
        assert_eq!(
            fails.filter(|state| state["Error"] == error(step.id)).count(),
            0,
            "{name}"
        );
        carried.push(name);
    }
    assert_eq!(
        carried,
        ["engage-switch-a", "engage-switch-b", "announce", "pin-record"]
    );
    assert_eq!(
        at_the_top(top, StateName::Reconciling.name()).0,
        "reconciling",
        "it waits for them at the latest"
    );
}

/// The last state that it goes on in, `rejoining`, waits for a region to come back. Until it may begin, and no longer.
#[test]
fn what_carries_over_is_tried_until_rejoining_could_begin() {
    let all = failover_states();
    let deadlines = shipped::trading().deadlines;
    let from_moving = deadlines.moving + deadlines.verifying;
    for (step, window) in [
        ("engage-switch-a", deadlines.acquiring + from_moving),
        ("engage-switch-b", deadlines.acquiring + from_moving),
        ("pin-record", from_moving),
    ] {
        let state = &all[step];
        let retry = &state["Retry"][0];
        let [every, tries] = ["IntervalSeconds", "MaxAttempts"].map(|field| retry[field].as_u64().unwrap());
        let at_most = tries * (every + state["TimeoutSeconds"].as_u64().unwrap());
        assert!(at_most <= window.as_secs(), "{step}: {at_most} s");
        assert!(at_most > window.as_secs() * 9 / 10, "{step}: {at_most} s");
    }
    // A way home has one such step, which waits for an answer of its own state, and is tried twice there.
    let (platform, _) = made(&shipped::trading());
    let mut all = Vec::new();
    states(
        &platform
            .machines
            .iter()
            .find(|machine| machine.way == RoleChangeKind::Failback)
            .unwrap()
            .definition,
        &mut all,
    );
    let announce = all.iter().find(|(name, _)| name == "announce").unwrap();
    assert_eq!(announce.1["Retry"][0]["MaxAttempts"], 1);
}

/// Step Functions takes 1 MB and names of 80 characters (<https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>).
#[test]
fn a_definition_is_smaller_than_step_functions_allows() {
    let (platform, _) = made(&shipped::trading());
    for machine in &platform.machines {
        let size = machine.definition.to_string().len();
        assert!(size < 100_000, "{:?}: {size} bytes", machine.way);
        let mut all = Vec::new();
        states(&machine.definition, &mut all);
        assert!(all.iter().all(|(name, _)| name.len() <= 80));
    }
}

fn failover_of(platform: &Platform) -> &Value {
    let mut machines = platform.machines.iter();
    let failover = machines.find(|machine| machine.way == RoleChangeKind::Failover);
    &failover.unwrap().definition
}

/// All states of the trading policy's failover machine, by name.
fn failover_states() -> BTreeMap<String, Value> {
    let (platform, _) = made(&shipped::trading());
    let mut all = Vec::new();
    states(failover_of(&platform), &mut all);
    all.into_iter().collect()
}

#[test]
fn the_taker_waits_for_a_whole_lease_whatever_the_item_says() {
    let lease = shipped::trading().lease;
    let wait = &failover_states()["await-lease"];
    assert_eq!(wait["Type"], "Wait");
    assert!(wait["Seconds"].as_u64().unwrap() >= lease.ttl.as_secs(), "{wait}");
}

#[test]
fn a_promotion_that_is_not_seen_is_looked_for_until_the_deadline_and_never_undone() {
    let all = failover_states();
    let looks = all["promote-database_judge"]["Choices"][1]["NumericGreaterThanEquals"].as_u64();
    let every = all["promote-database_wait"]["Seconds"].as_u64();
    let deadline = shipped::trading().deadlines.moving.as_secs();
    assert!(looks.unwrap() * every.unwrap() >= deadline);
    let end = &all["promote-database_failed"];
    assert_eq!(end["Error"], "WriterUnknown");
    // Only outside of what is carried beside it can a failure be led on.
    assert!(all["moving"]["Catch"].is_null());
    for catch in all["acquiring_onwards"]["Catch"].as_array().unwrap() {
        let errors = catch["ErrorEquals"].as_array().unwrap();
        assert!(!errors.contains(&end["Error"]), "{catch}");
        assert_eq!(errors[0] == "States.ALL", catch["Next"] == "needs_operator", "{catch}");
    }
    // Nor is it begun where the pair is not: all pages of global clusters are looked through before that is said.
    let more = &all["promote-database_more"];
    assert_eq!(more["Default"], "promote-database_elsewhere");
    assert_eq!(more["Choices"][1]["Next"], "promote-database_page");
    assert_eq!(all["promote-database_page"]["Parameters"]["Marker.$"], "$.page.Marker");
    assert_eq!(all["promote-database_elsewhere"]["Error"], "WriterUnknown");
}

#[test]
fn a_lease_that_was_raised_is_handed_back_by_people() {
    let all = failover_states();
    let pick = &all["give-up-lease_pick"]["Choices"][0];
    assert_eq!(pick["Next"], "give-up-lease_raised");
    assert_eq!(all["give-up-lease_raised"]["Type"], "Fail");
    // What is written withdraws the claim, and changes no holder.
    let update = &all["give-up-lease"]["Parameters"]["UpdateExpression"];
    let update = update.as_str().unwrap();
    assert!(
        update.contains("REMOVE #claim_region") && !update.contains("#holder"),
        "{update}"
    );
}

#[test]
fn an_execution_does_not_carry_what_its_branches_ended_with() {
    for (name, state) in failover_states() {
        if state["Type"] == "Parallel" {
            assert!(state.as_object().unwrap().contains_key("ResultPath"), "{name}");
            assert!(state["ResultPath"].is_null(), "{name}");
        }
    }
}

#[test]
fn what_says_not_yet_is_asked_until_the_deadline() {
    let all = failover_states();
    let deadlines = shipped::trading().deadlines;
    for (step, deadline) in [
        ("await-region", deadlines.rejoining),
        ("rejoin-database", deadlines.rejoining),
        ("reconcile-database", deadlines.reconciling),
    ] {
        let retry = &all[step]["Retry"][0];
        let seconds = retry["IntervalSeconds"].as_u64().unwrap() * retry["MaxAttempts"].as_u64().unwrap();
        assert!(seconds >= deadline.as_secs(), "{step}: {seconds} s");
    }
}

#[test]
fn a_lease_item_that_is_missing_is_named() {
    let all = failover_states();
    assert_eq!(all["recovering"]["Next"], "lease_there");
    assert_eq!(all["lease_there"]["Default"], "lease_missing");
    assert_eq!(all["lease_missing"]["Error"], "LeaseMissing");
}

#[test]
fn both_regions_run_the_same_apart_from_their_names() {
    let (platform, _) = made(&shipped::trading());
    for way in [RoleChangeKind::Failover, RoleChangeKind::Failback] {
        let text = |region: &str, peer: &str| {
            let machines = &platform.machines;
            let machine = machines
                .iter()
                .find(|machine| machine.way == way && machine.region.as_str() == region)
                .unwrap();
            let mut definition = machine.definition.clone();
            // The one place that tells the regions apart names both, in both.
            definition["States"]["place"] = Value::Null;
            definition
                .to_string()
                .replace(region, "{here}")
                .replace(peer, "{there}")
        };
        assert_eq!(text("us-east-1", "us-east-2"), text("us-east-2", "us-east-1"));
    }
}
