//! A storm of alarms while the primary is lost: the decision is taken all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use understudy_engine::core::decision::Verdict as Decision;
use understudy_engine::core::effect::{DatabaseView, Effect, Intent, Outcome};
use understudy_engine::core::ids::{Nonce, Region, WitnessId};
use understudy_engine::core::journal::Happening;
use understudy_engine::core::lease::{LeaseRecord, LeaseRequest};
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::{Observation, Signal};
use understudy_engine::service::parts::Executor;
use understudy_engine::service::platform::Place;
use understudy_engine::service::shell::{Input, Receipt};
use understudy_engine::service::sources::{self, DatabaseProbe, Verdict};
use understudy_policies::model::WitnessKind;
use understudy_policies::shipped::trading;

use crate::server::{Manner, Server};
use crate::sidecar::{Running, address, clock, context, listeners, until};

/// Four of the drill's seconds are one of ours: long enough for a busy machine to answer a probe in.
const SPEED: f64 = 4.0;

/// The parts of the platform around a standby: the home region renews its lease as long as it lives.
#[derive(Debug)]
struct World {
    lease: Mutex<LeaseRecord>,
    home_lives: Arc<AtomicBool>,
}

#[async_trait]
impl Executor for World {
    async fn carry_out(&self, effect: &Effect) -> Outcome {
        match effect.intent {
            Intent::Lease { request, nonce } => {
                let mut lease = self.lease.lock().await;
                if self.home_lives.load(Ordering::Relaxed) {
                    let (epoch, region) = (lease.epoch, lease.holder);
                    let renewed = lease.apply(&LeaseRequest::Renew { epoch, region }, Nonce::default());
                    *lease = renewed.unwrap_or(*lease);
                }
                match lease.apply(&request, nonce) {
                    Ok(record) => {
                        *lease = record;
                        Outcome::Lease(record)
                    }
                    Err(conflict) => Outcome::Conflict(conflict.0),
                }
            }
            Intent::DescribeDatabase => Outcome::Database(DatabaseView {
                writer: Some(Region::Home),
                moving: false,
                replica_attached: true,
            }),
            Intent::ReadSwitches => Outcome::Switches([Some(false); 2]),
            Intent::ReadDatabaseClock => Outcome::Failed,
            _ => Outcome::Done,
        }
    }
}

/// A database that answers while its region lives.
#[derive(Debug)]
struct Database(Arc<AtomicBool>);

#[async_trait]
impl DatabaseProbe for Database {
    async fn answers(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Alarms and rubbish, 20,000 in a second.
fn storm(sidecar: &Running, stop: &Arc<AtomicBool>, taken: &Arc<AtomicU64>) -> JoinSet<()> {
    let template = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/events/alarm-metric.json"
    ))
    .unwrap();
    let mut storm = JoinSet::new();
    for bad in [false, true] {
        let (intake, clock) = (Arc::clone(&sidecar.sidecar.intake), sidecar.sidecar.context.clock);
        let (stop, taken, template) = (Arc::clone(stop), Arc::clone(taken), template.clone());
        storm.spawn(async move {
            let mut alarm: serde_json::Value = serde_json::from_str(&template).unwrap();
            let mut raised = false;
            while !stop.load(Ordering::Relaxed) {
                // Changes its mind each time, so that the core has something to write down.
                raised = !raised;
                alarm["detail"]["state"]["value"] = json!(if raised { "ALARM" } else { "OK" });
                let now = jiff::Timestamp::from_millisecond(clock.wall().as_millis()).unwrap();
                alarm["detail"]["state"]["timestamp"] = json!(now.to_string());
                let text = if bad {
                    "{\"detail-type\": ".to_owned()
                } else {
                    alarm.to_string()
                };
                for _ in 0..100 {
                    let verdict = intake.take(text.as_bytes(), Receipt::new(|| {}));
                    assert_eq!(matches!(verdict, Verdict::Poison(_)), bad, "{verdict:?}");
                    taken.fetch_add(1, Ordering::Relaxed);
                }
                // Twice a hundred in 10 ms: 20,000 in a second.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
    }
    storm
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_alarms_holds_up_no_decision() {
    let home_lives = Arc::new(AtomicBool::new(true));
    let (home, away, outside) = (
        Server::start(Manner::Healthy).await,
        Server::start(Manner::Healthy).await,
        Server::start(Manner::Healthy).await,
    );
    let (operators, peers) = listeners().await;
    let platform = format!(
        "references = [{:?}]\n[primary]\nhealth = {:?}\ndatabase-health = {:?}\n\
         [standby]\nhealth = {:?}\ndatabase-health = {:?}\nsidecars = [{:?}]\n",
        outside.url,
        home.url,
        home.url,
        away.url,
        away.url,
        address(&peers)
    );
    let clock = clock(SPEED);
    let mut here = context(Place::Serving(Region::Away), trading(), &platform, clock);
    here.database_probes = [
        Some(Arc::new(Database(Arc::clone(&home_lives)))),
        Some(Arc::new(Database(Arc::new(AtomicBool::new(true))))),
    ];
    let world = World {
        lease: Mutex::new(LeaseRecord::initial()),
        home_lives: Arc::clone(&home_lives),
    };
    let mut sidecar = Running::listening(here, Arc::new(world), operators, peers);
    sidecar.look();
    let mut observer = JoinSet::new();
    sources::start_observer(&context(Place::Witness, trading(), &platform, clock), &mut observer);
    let status = sidecar.sidecar.views.status.clone();
    let lag = trading().witnesses;
    let lag = lag
        .iter()
        .position(|witness| witness.kind == WitnessKind::ReplicationLag);
    let measured = Signal {
        witness: WitnessId(u8::try_from(lag.unwrap()).unwrap()),
        target: Region::Home,
        observation: Observation::Lag(Duration::from_millis(100)),
        observed: clock.wall(),
    };
    assert!(sidecar.sidecar.inbox.put(Input::Signal(measured, None)));
    until("steady", async || status.borrow().state == StateName::Steady).await;

    let mut journal = sidecar.sidecar.views.journal.subscribe();
    let (stop, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut storm = storm(&sidecar, &stop, &taken);
    until("the storm has begun", async || taken.load(Ordering::Relaxed) > 1_000).await;
    home.becomes(Manner::Hangs);
    home_lives.store(false, Ordering::Relaxed);

    let decided = async {
        loop {
            let entry = journal.recv().await.unwrap();
            if let Happening::Decided(decision) = &entry.what
                && decision.verdict == Decision::FailOver
            {
                break;
            }
        }
    };
    let decided = tokio::time::timeout(Duration::from_secs(60), decided).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = storm.join_next().await {
        ended.unwrap();
    }
    assert!(decided.is_ok(), "no decision within a minute: {:?}", status.borrow());
    // Whatever was taken in was counted, and none of it was kept beyond the bound.
    let (taken, pressure) = (taken.load(Ordering::Relaxed), sidecar.sidecar.inbox.pressure());
    assert_eq!(sidecar.sidecar.intake.counters().total(), taken);
    assert!(pressure.waiting < 1_000, "{pressure:?}");
}
