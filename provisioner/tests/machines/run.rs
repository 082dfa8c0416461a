//! Both ways, on an emulator.

use serde_json::json;

use crate::emulator::{AS_SAID, FAST, asked, entered, run};

#[test]
fn the_failover_machine_moves_the_writer_and_the_failback_machine_brings_it_home() {
    let seen = run("aurora-managed", "both_ways", AS_SAID);
    let failover = &seen["failover"];
    assert_eq!(failover["status"], "SUCCEEDED", "{failover}");
    assert_eq!(failover["writer"], serde_json::json!(["us-east-2"]));
    assert_eq!(failover["lease"]["holder"], "away");
    assert_eq!(failover["lease"]["epoch"], "2");
    assert_eq!(failover["lease"]["protected"], true);
    assert!(failover["lease"].get("claim_region").is_none() && failover["lease"].get("role_change").is_none());
    assert_eq!(failover["order_path"]["intake"], "2");
    assert_eq!(failover["order_path"]["processing"], "2");
    // Pinned to the standby, and its health check kept.
    assert_eq!(failover["records"]["primary"][0], "to-us-east-2.orders.example.com");
    assert_eq!(
        failover["records"]["primary"][1],
        "11111111-1111-1111-1111-111111111111"
    );
    let states = entered(failover);
    let wanted = [
        "recovering",
        "claiming",
        // The emulator's history holds no states of branches: what was asked for shows that they were gone through.
        "acquiring_onwards",
        "reconciling",
        "protected",
    ];
    assert!(wanted.iter().all(|state| states.contains(state)), "{states:?}");
    for step in [
        "engage-switch-a",
        "write-serving-row",
        "verify-write",
        "rejoin-database",
        "reconcile-database",
    ] {
        assert_eq!(asked(failover, step), 1, "{step}");
    }

    let failback = &seen["failback"];
    assert_eq!(failback["status"], "SUCCEEDED", "{failback}");
    assert_eq!(failback["writer"], serde_json::json!(["us-east-1"]));
    assert_eq!(failback["lease"]["holder"], "home");
    assert_eq!(failback["lease"]["epoch"], "3");
    assert_eq!(failback["order_path"]["intake"], "0", "closed here");
    assert_eq!(failback["records"]["primary"][0], "to-us-east-1.orders.example.com");
}

#[test]
fn by_a_detach_the_standbys_cluster_writes_alone() {
    let seen = run("aurora-detach", "by_detach", AS_SAID);
    let failover = &seen["failover"];
    assert_eq!(failover["status"], "SUCCEEDED", "{failover}");
    // The old one is fenced by the lease, not by Aurora: it stands there as it was.
    assert_eq!(failover["writer"], serde_json::json!(["us-east-1", "us-east-2"]));
    assert_eq!(failover["lease"]["holder"], "away");
}

#[test]
fn a_dry_run_and_a_refusal_change_nothing_and_say_why() {
    let seen = run("aurora-managed", "both_ways", AS_SAID);
    let dry = &seen["dry_run"];
    assert_eq!(dry["status"], "SUCCEEDED");
    assert_eq!(entered(dry).last(), Some(&"dry_run"));
    for (execution, holder) in [("refused", "home"), ("again", "away")] {
        let refused = &seen[execution];
        assert_eq!(refused["status"], "FAILED");
        assert_eq!(refused["error"], "Refused");
        assert!(refused["cause"].as_str().unwrap().contains("nothing was changed"));
        assert_eq!(refused["lease"]["holder"], holder);
    }
}

/// After a detach the pair is in another global cluster, and there are others, of somebody else.
#[test]
fn after_a_detach_and_a_rebuild_the_way_home_and_a_second_failover_find_the_pair() {
    let seen = run("aurora-detach", "again_after_a_detach", FAST);
    let pair = |of: &str, cluster: &str| seen[of][cluster].clone();
    let (first, second) = ("understudy-dev1-global", "understudy-dev1-global-2");
    assert_eq!(seen["failover"]["status"], "SUCCEEDED", "{}", seen["failover"]);
    assert_eq!(pair("rebuilt", second), json!({"us-east-1": false, "us-east-2": true}));
    assert_eq!(
        seen["rebuilt"].as_object().unwrap().len(),
        27,
        "25 are of somebody else"
    );

    let failback = &seen["failback"];
    assert_eq!(failback["status"], "SUCCEEDED", "{failback}");
    assert_eq!(failback["lease"]["holder"], "home");
    assert_eq!(pair("home", second), json!({"us-east-1": true, "us-east-2": false}));
    assert_eq!(seen["second"]["status"], "SUCCEEDED", "{}", seen["second"]);
    assert_eq!(seen["second"]["lease"]["holder"], "away");
    assert_eq!(
        pair("away", second),
        json!({"us-east-1": true}),
        "detached from the second"
    );

    // Detached, and not rebuilt: nothing is moved, and nothing is undone.
    let alone = &seen["alone"];
    assert_eq!(
        (&alone["status"], &alone["error"]),
        (&json!("FAILED"), &json!("WriterUnknown")),
        "{alone}"
    );
    let said = alone["cause"].as_str().unwrap();
    assert!(
        said.contains("not known to be in understudy-dev1-global") && said.contains("nothing was moved"),
        "{said}"
    );
    let states = entered(alone);
    assert!(
        states.contains(&"needs_operator") && !states.contains(&"reverting"),
        "{states:?}"
    );
    assert_eq!(seen["left"], seen["away"]);
    let theirs = json!({"us-east-1": true, "us-east-2": false});
    assert!(
        ["rebuilt", "home", "away", "left"]
            .iter()
            .all(|of| pair(of, "theirs-0") == theirs)
    );
    assert_eq!(pair("left", first), json!({}), "nobody is in the first any more");
}

#[test]
fn a_pair_of_another_name_is_left_alone() {
    let seen = run("aurora-detach", "in_a_pair_of_another_name", FAST);
    assert_eq!(seen["failover"]["error"], "WriterUnknown", "{}", seen["failover"]);
    assert_eq!(seen["left"]["by-hand"], json!({"us-east-2": true}));
}
