//! What Route 53's checkers and the regions' own names say, with words of AWS put in: no emulator has checkers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::verify::{Age, Verdict, Verification, verify};

use crate::emulator::Emulator;
use crate::platform::platform;
use crate::proxy::{Instead, proxy};
use crate::support::{Log, world};
use crate::verification::point;

const MATCH: &str = "Success: HTTP Status Code 200, OK";
const NO_MATCH: &str = "Failure: HTTP Status Code 200, OK. The string was not found";

/// How often each was asked.
type Asked = Arc<Mutex<BTreeMap<String, usize>>>;

/// The platform behind something that answers for the checkers: by the check's role, and how often it was asked before.
async fn with_checkers(
    emulator: &Emulator,
    world_of: &World,
    says: impl Fn(&str, usize) -> Vec<&'static str> + Send + Sync + 'static,
) -> (World, Asked) {
    let checks = world_of.checks().unwrap();
    let mut roles = BTreeMap::new();
    for check in &checks.checks {
        let id = checks.id(&check.name).await.unwrap().unwrap();
        roles.insert(id, check.name.trim_start_matches("understudy-dev1-").to_owned());
    }
    let asked = Asked::default();
    let endpoint = proxy(emulator.url().as_str(), {
        let asked = Arc::clone(&asked);
        move |request| {
            let line = request.lines().next().unwrap_or_default();
            let id = line.split("/healthcheck/").nth(1)?.split("/status").next()?;
            let role = roles.get(id).filter(|_| line.contains("/status"))?;
            let mut asked = asked.lock().unwrap();
            let times = asked.entry(role.clone()).or_default();
            *times += 1;
            let seen: String = says(role, *times)
                .into_iter()
                .map(|status| {
                    format!(
                        "<HealthCheckObservation><Region>us-east-1</Region><IPAddress>192.0.2.1</IPAddress><StatusReport>\
                         <Status>{status}</Status></StatusReport></HealthCheckObservation>"
                    )
                })
                .collect();
            Some(Instead::Xml(format!(
                "<GetHealthCheckStatusResponse><HealthCheckObservations>{seen}</HealthCheckObservations>\
                 </GetHealthCheckStatusResponse>"
            )))
        }
    });
    (world(&endpoint).await, asked)
}

fn said(verification: &Verification, role: &str) -> (Verdict, String) {
    point(verification, "R1.1", role, "global")
}

#[tokio::test]
async fn an_idle_switch_stands_right_and_new_checkers_are_waited_for() {
    let (emulator, before) = platform().await;
    let (world, asked) = with_checkers(&emulator, &before, |role, times| match role {
        // They begin to ask some time after the check was made.
        "switch-b" if times <= 2 => Vec::new(),
        "switch-a" | "switch-b" => vec![NO_MATCH; 16],
        "home-endpoint" => vec![NO_MATCH; 16],
        _ => vec![MATCH; 16],
    })
    .await;
    let log = Log::default();
    let verification = verify(&world, Age::Settled, &log).await.unwrap();
    for role in ["switch-a stands right", "switch-b stands right"] {
        let (verdict, says) = said(&verification, role);
        assert_eq!(verdict, Verdict::Yes, "{says}");
        assert!(says.contains("idle, as it should be while home serves"), "{says}");
    }
    assert_eq!(asked.lock().unwrap()["switch-b"], 3);
    assert_eq!(asked.lock().unwrap()["switch-a"], 1);
    assert_eq!(log.waits.lock().unwrap().len(), 2, "and that is told");
    let (verdict, says) = said(&verification, "primary is healthy");
    assert_eq!(verdict, Verdict::Yes);
    assert!(says.contains("switch-a") && says.contains("switch-b"), "{says}");
    // A placeholder is not healthy, and nobody expects it to be.
    let (verdict, says) = said(&verification, "home-endpoint");
    assert_eq!(verdict, Verdict::Unknown);
    assert!(says.contains("the placeholder answers there"), "{says}");
    assert_eq!(said(&verification, "away-endpoint").0, Verdict::Yes);
    assert!(verification.synchronized, "{}", verification.text());
}

#[tokio::test]
async fn a_switch_that_is_seen_engaged_while_home_serves_is_no() {
    let (emulator, before) = platform().await;
    let (world, _) = with_checkers(&emulator, &before, |role, _| match role {
        "switch-b" => vec![NO_MATCH; 16],
        _ => vec![MATCH; 16],
    })
    .await;
    let verification = verify(&world, Age::Settled, &Log::default()).await.unwrap();
    let (verdict, says) = said(&verification, "switch-a stands right");
    assert_eq!(verdict, Verdict::No);
    assert!(
        says.contains("16 of 16 checkers see it engaged, and clients belong at home"),
        "{says}"
    );
    assert_eq!(said(&verification, "primary is healthy").0, Verdict::No);
    assert!(!verification.synchronized);
}

/// A name that was made in this run may need a minute until it answers. One that was there before has no such excuse.
#[tokio::test]
async fn a_name_that_is_new_is_asked_again_and_one_that_is_old_is_not() {
    let (emulator, before) = platform().await;
    let before = verify(&before, Age::Settled, &Log::default()).await.unwrap();
    let (_, says) = point(&before, "R10.3", "endpoint answers", "us-east-1");
    let api = says.split("/restapis/").nth(1).and_then(|rest| rest.split('/').next());
    let api = api.unwrap().to_owned();
    for (age, verdict, asks) in [(Age::Settled, Verdict::No, 1), (Age::Fresh, Verdict::Yes, 3)] {
        let asked = Arc::new(Mutex::new(0));
        let endpoint = proxy(emulator.url().as_str(), {
            let (asked, api) = (Arc::clone(&asked), api.clone());
            move |request| {
                let line = request.lines().next().unwrap_or_default();
                let home = line.contains("_user_request_/health") && line.contains(&api);
                home.then(|| {
                    let mut asked = asked.lock().unwrap();
                    *asked += 1;
                    let status = if *asked < 3 { "unhealthy" } else { "healthy" };
                    Instead::Json(format!("{{\"status\":\"{status}\"}}"))
                })
            }
        });
        let world = world(&endpoint).await;
        let log = Log::default();
        let verification = verify(&world, age, &log).await.unwrap();
        let (said, says) = point(&verification, "R10.3", "endpoint answers", "us-east-1");
        assert_eq!((said, *asked.lock().unwrap()), (verdict, asks), "{age:?}: {says}");
        assert_eq!(log.waits.lock().unwrap().len(), asks - 1);
    }
}
