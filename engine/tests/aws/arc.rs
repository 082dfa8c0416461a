//! ARC routing controls behind scripted endpoints: no emulator has them. What is read back here is what was sent.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};
use understudy_engine::aws::Side;
use understudy_engine::core::effect::Outcome;
use understudy_engine::core::ids::{Epoch, Region, Switch};
use understudy_engine::service::clock::Clock;
use understudy_engine::service::context::Context;
use understudy_engine::service::parts::http::{client, fresh_client};
use understudy_engine::service::parts::{Parts, Switches};
use understudy_engine::service::platform::Place;
use understudy_engine::service::secret::Secret;
use understudy_policies::Policy;
use understudy_policies::model::{ArcRoutingControl, TrafficMethod};

use crate::platform::{connections, names_of, platform_of, policy};
use crate::ports::free_port;
use crate::scripted::{Answer, Scripted};

/// The five regions of every ARC cluster. None of the first three is a serving region of ours.
const ENDPOINTS: [&str; 5] = ["us-west-2", "eu-west-1", "ap-northeast-1", "us-east-1", "us-east-2"];
const PRIMARY: &str = "arn:aws:route53-recovery-control::000000000000:controlpanel/c/routingcontrol/primary";
const STANDBY: &str = "arn:aws:route53-recovery-control::000000000000:controlpanel/c/routingcontrol/standby";
const UPDATE: &str = "UpdateRoutingControlStates";
/// Each endpoint may take 400 ms.
const GRACE: Duration = Duration::from_secs(20);

fn policy_with_arc() -> Policy {
    let mut policy = policy();
    policy.traffic.method = TrafficMethod::Arc;
    policy.traffic.arc = Some(ArcRoutingControl {
        cluster: "arn:aws:route53-recovery-control::000000000000:cluster/c".to_owned(),
        primary_control: PRIMARY.to_owned(),
        standby_control: STANDBY.to_owned(),
    });
    policy
}

/// The switches that a region's sidecar makes of policy and platform file, as at its start.
async fn switches(own: Region, endpoints: [Url; 5]) -> Arc<dyn Switches> {
    let endpoints: String = ENDPOINTS
        .iter()
        .zip(endpoints)
        .map(|(region, url)| format!("[[aws.arc-endpoint]]\nregion = \"{region}\"\naddress = \"{url}\"\n"))
        .collect();
    let text = format!(
        "version = 1\nenvironment = \"dev1\"\n[primary]\nhealth = \"http://home.example/\"\n[standby]\n\
         health = \"http://away.example/\"\n[aws]\naccount = \"000000000000\"\n{endpoints}"
    );
    let context = Context {
        place: Place::Serving(own),
        policy: Arc::new(policy_with_arc()),
        platform: Arc::new(platform_of(&text)),
        clock: Clock::real(),
        client: client().unwrap(),
        fresh: fresh_client().unwrap(),
        database_probes: [None, None],
        peer_token: Arc::new(Secret::new("the-peers-know-this-one".to_owned())),
        host_names: Arc::default(),
    };
    // Nothing but the controls is there.
    let nowhere = format!("http://127.0.0.1:{}/", free_port()).parse().unwrap();
    let side = Side::new(own, names_of(&text), connections(&nowhere).await);
    let mut parts = Parts::absent();
    side.put_into(&mut parts, &context);
    parts.switches
}

fn urls(servers: &[Scripted; 5]) -> [Url; 5] {
    servers.each_ref().map(Scripted::url)
}

/// The states that one call asks for, primary first.
fn asked_for(server: &Scripted) -> Vec<[String; 2]> {
    let asked = server.asked();
    let calls = asked.iter().filter(|request| request.operation == UPDATE);
    calls
        .map(|request| {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            let entries = body["UpdateRoutingControlStateEntries"].as_array().unwrap();
            assert_eq!(entries.len(), 2);
            [PRIMARY, STANDBY].map(|control| {
                let mut entries = entries.iter();
                let entry = entries.find(|entry| entry["RoutingControlArn"] == control).unwrap();
                entry["RoutingControlState"].as_str().unwrap().to_owned()
            })
        })
        .collect()
}

async fn set(switches: &Arc<dyn Switches>, engaged: bool) -> Outcome {
    let set = switches.set(Switch::A, engaged, Epoch(2), 1);
    tokio::time::timeout(GRACE, set).await.unwrap()
}

#[tokio::test]
async fn both_controls_turn_in_one_call_at_the_nearest_endpoint() {
    for (own, nearest) in [(Region::Home, 3), (Region::Away, 4)] {
        let servers = [(); 5].map(|()| Scripted::always(Answer::json(200, "{}")));
        let switches = switches(own, urls(&servers)).await;
        assert_eq!(set(&switches, true).await, Outcome::Done);
        assert_eq!(set(&switches, false).await, Outcome::Done);
        let turned = asked_for(&servers[nearest]);
        assert_eq!(turned, [["Off", "On"], ["On", "Off"]]);
        let total: usize = servers.iter().map(|server| server.count(UPDATE)).sum();
        assert_eq!(total, 2, "nobody else was asked");
    }
}

#[tokio::test]
async fn four_lost_endpoints_do_not_hold_up_the_fifth() {
    let servers = [
        Answer::Close,
        Answer::error(500, "InternalServerException"),
        // The last one of all, for the sidecar of the standby region: it goes by the file's order.
        Answer::json(200, "{}"),
        Answer::Silence,
        Answer::HalfOpen("{".to_owned()),
    ]
    .map(Scripted::always);
    let mut urls = urls(&servers);
    urls.swap(2, 3);
    let switches = switches(Region::Away, urls).await;
    assert_eq!(set(&switches, true).await, Outcome::Done);
    let counts = servers.each_ref().map(|server| server.count(UPDATE));
    assert_eq!(counts, [1; 5], "each once");
}

#[tokio::test]
async fn nothing_is_called_failed_that_one_endpoint_may_have_done() {
    let denied = || Answer::error(403, "AccessDeniedException");
    let cases = [
        (denied(), Outcome::Failed),
        (Answer::error(400, "ThrottlingException"), Outcome::Failed),
        (Answer::error(403, "ExpiredTokenException"), Outcome::Failed),
        (Answer::error(500, "InternalServerException"), Outcome::TimedOut),
        (Answer::Silence, Outcome::TimedOut),
        (Answer::Close, Outcome::TimedOut),
        (Answer::Noise, Outcome::TimedOut),
    ];
    for (third, expected) in cases {
        let servers = [denied(), denied(), third.clone(), denied(), denied()].map(Scripted::always);
        let switches = switches(Region::Away, urls(&servers)).await;
        assert_eq!(set(&switches, true).await, expected, "{third:?}");
    }
    let nobody = [(); 5].map(|()| format!("http://127.0.0.1:{}/", free_port()).parse().unwrap());
    let switches = switches(Region::Away, nobody).await;
    assert_eq!(set(&switches, true).await, Outcome::Failed);
    assert_eq!(switches.read().await, Outcome::Switches([None; 2]));
}

#[tokio::test]
async fn the_controls_are_read_from_whoever_answers_and_believed_only_as_a_pair() {
    let answers = |primary: &'static str, standby: &'static str| {
        move |request: &crate::scripted::Request| {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            let control = body["RoutingControlArn"].as_str().unwrap();
            let state = if control == PRIMARY { primary } else { standby };
            Answer::json(
                200,
                json!({"RoutingControlArn": control, "RoutingControlState": state}).to_string(),
            )
        }
    };
    for (primary, standby, expected) in [
        ("Off", "On", Some(true)),
        ("On", "Off", Some(false)),
        // Somebody set them by hand.
        ("On", "On", None),
        ("Off", "Off", None),
    ] {
        let servers = [
            Scripted::always(Answer::Close),
            Scripted::new(answers(primary, standby)),
            Scripted::always(Answer::Silence),
            Scripted::always(Answer::Silence),
            Scripted::always(Answer::error(500, "InternalServerException")),
        ];
        let switches = switches(Region::Away, urls(&servers)).await;
        let read = tokio::time::timeout(GRACE, switches.read()).await.unwrap();
        assert_eq!(read, Outcome::Switches([expected; 2]), "{primary} {standby}");
    }
}
