//! The whole of it: two sidecars and an observer as real processes, AWS as ministack has it, and a real PostgreSQL behind
//! each region's database address. An alarm arrives by SNS and SQS, the application of the home region is lost, and the
//! platform moves; then it comes home.
//!
//! What the emulator cannot show is in docs/aws.md: nothing here is consistent across regions by DynamoDB's own doing, a
//! global cluster moves in no time, and the public name is answered by the test itself from the records and the switches.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;
use understudy_engine::aws::Side;
use understudy_engine::core::effect::Outcome;
use understudy_engine::core::ids::{Epoch, Nonce, Region};
use understudy_engine::core::lease::{LeaseRecord, LeaseRequest};
use understudy_engine::service::parts::{LeaseStore, Switches};

use crate::emulator::Emulator;
use crate::name::{Answers, resolver};
use crate::platform::{names_of, operator};
use crate::ports::free_port;
use crate::process::{Engine, Files};
use crate::resources::{PUBLIC_NAME, Resources};
use crate::scripted::{Answer, Scripted};
use crate::server::{Folder, PASSWORD, Server};

/// For anything that is waited for: several programs share a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);
const HOSTS: [&str; 2] = ["api.us-east-1.example.com", "api.us-east-2.example.com"];
const FENCE: &str = include_str!("../../sql/fence.sql");
const SIDECAR: &str = include_str!("../../sql/sidecar.sql");

/// The shipped policy with Aurora's managed failover, after which the emulator's old writer follows at once, and with
/// waits that a test can wait for.
fn policy() -> String {
    let mut text = include_str!("../../../policies/trading.toml").to_owned();
    for (shipped, here) in [
        ("method = \"aurora-detach\"", "method = \"aurora-managed\""),
        ("cool-down = \"30m\"", "cool-down = \"1s\""),
        ("soak = \"4h\"", "soak = \"1m\""),
        ("mode = \"automatic\"", "mode = \"manual\""),
        ("during-trading = false", "during-trading = true"),
        ("wait-for-health-event = true", "wait-for-health-event = false"),
    ] {
        assert!(text.contains(shipped), "{shipped}");
        text = text.replacen(shipped, here, 1);
    }
    text
}

/// One region's application: answers until it is switched off.
fn application() -> (Scripted, Arc<AtomicBool>) {
    let healthy = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&healthy);
    let server = Scripted::new(move |_| {
        if seen.load(Ordering::Relaxed) {
            Answer::Http(200, "ok".to_owned())
        } else {
            Answer::Http(503, "down".to_owned())
        }
    });
    (server, healthy)
}

async fn database(folder: &Folder, name: &str) -> Server {
    let mut server = Server::create(folder, name, "fsync = off\n").unwrap();
    server.start().unwrap();
    let mut config: tokio_postgres::Config = server.url().parse().unwrap();
    let (client, connection) = config.password(PASSWORD).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(FENCE).await.unwrap();
    client.batch_execute(SIDECAR).await.unwrap();
    server
}

struct World {
    resources: Resources,
    zone: String,
    answers: Answers,
    /// What the test itself asks.
    side: Side,
    engines: Vec<Engine>,
}

impl World {
    fn home(&self) -> &Engine {
        &self.engines[0]
    }

    fn away(&self) -> &Engine {
        &self.engines[1]
    }

    async fn lease(&self) -> Option<LeaseRecord> {
        match self
            .side
            .lease()
            .apply(LeaseRequest::Read, Nonce::default(), PATIENCE)
            .await
        {
            Outcome::Lease(record) => Some(record),
            _ => None,
        }
    }

    async fn switches(&self) -> [Option<bool>; 2] {
        match self.side.two_switches().read().await {
            Outcome::Switches(both) => both,
            other => panic!("{other:?}"),
        }
    }

    /// Route 53 would do this: PRIMARY, unless both switches hold traffic away from it.
    async fn answer(&self) {
        let [primary, secondary] = self.resources.records(&self.zone).await;
        let away = self.switches().await == [Some(true); 2];
        self.answers.say(if away { &secondary } else { &primary });
    }

    /// Waits until something is so.
    async fn until(&self, what: &str, mut so: impl AsyncFnMut(&Self) -> bool) {
        let began = Instant::now();
        while !so(self).await {
            assert!(began.elapsed() < PATIENCE, "not in time: {what}");
            self.answer().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn held(&self, holder: Region, epoch: u64) -> bool {
        let held = self
            .lease()
            .await
            .is_some_and(|lease| lease.held_by(holder, Epoch(epoch)));
        held && self.resources.writer().await == Some(holder)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_and_a_lost_application_move_the_platform_and_it_comes_home() {
    let emulator = Emulator::ministack();
    let endpoint = emulator.url();
    let folder = Folder::new("aws").unwrap();
    let (databases, applications) = (
        [database(&folder, "home").await, database(&folder, "away").await],
        [application(), application()],
    );
    let reference = Scripted::always(Answer::Http(200, "ok".to_owned()));
    let answers = Answers::default();
    answers.say(HOSTS[0]);
    let resolver = resolver(answers.clone()).await;
    let zone = Resources::make_zone(&operator("us-east-1", &endpoint).await, HOSTS).await;
    let peers = [(); 3].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
    let region = |region: Region| {
        let (application, database) = (&applications[region.index()].0, &databases[region.index()]);
        format!(
            "health = \"{}health\"\ndatabase = \"{}\"\ndatabase-password-file = \"{}\"\nsidecars = [\"http://{}\"]\n",
            application.url(),
            database.url(),
            database.password_file().display(),
            peers[region.index()]
        )
    };
    let platform = format!(
        "version = 1\nenvironment = \"dev1\"\nreferences = [\"{}\"]\n[primary]\n{}[standby]\n{}[aws]\n\
         account = \"000000000000\"\nzone = \"{zone}\"\npublic-name = \"{PUBLIC_NAME}\"\nresolver = \"{resolver}\"\n\
         orders-finish-within = \"100ms\"\n[aws.primary]\nname = \"{}\"\n[aws.standby]\nname = \"{}\"\n",
        reference.url(),
        region(Region::Home),
        region(Region::Away),
        HOSTS[0],
        HOSTS[1],
    );
    let resources = Resources::make(names_of(&platform), &endpoint).await;
    resources.make_alarm("alarm-lambda-errors").await;
    resources.keep_measuring_lag().await;
    let files = Files::new(&policy(), &platform, &endpoint);
    assert_eq!(files.create_lease(), Some(0));
    assert_eq!(files.create_lease(), Some(1), "there is one already");
    let engines = vec![
        files.start("us-east-1", peers[0], false),
        files.start("us-east-2", peers[1], false),
        files.start("us-west-2", peers[2], true),
    ];
    let world = World {
        side: resources.side(Region::Away).await,
        resources,
        zone,
        answers,
        engines,
    };

    // At home, and somebody watches.
    world
        .until("home serves", async |world| world.home().state().await == "serving")
        .await;
    world
        .until("away stands by", async |world| world.away().state().await == "steady")
        .await;
    world
        .until("home's order path is open", async |world| {
            world.resources.order_path(Region::Home).await == [1, 1, 1]
        })
        .await;
    world
        .until("away sees home's application", async |world| {
            let peer = world.away().verdict("peer-application", "us-east-1").await;
            let observer = world.away().verdict("observer-application", "us-east-1").await;
            (peer.as_deref(), observer.as_deref()) == (Some("healthy"), Some("healthy"))
        })
        .await;
    assert!(world.resources.session_arrives(Region::Home, "before").await);

    // What nobody understands is buried with its reason.
    world
        .resources
        .send(Region::Away, "{\"detail-type\": \"Nonsense\"}")
        .await;
    world
        .until("the message is buried", async |world| {
            let buried = world.resources.buried(Region::Away).await;
            buried == [("{\"detail-type\": \"Nonsense\"}".to_owned(), "missing-field".to_owned())]
                || buried.iter().any(|(_, reason)| reason == "unknown-detail-type")
        })
        .await;

    // An alarm alone is heard, and moves nothing.
    world.resources.put_errors(7.0).await;
    world
        .until("the alarm is heard in both regions", async |world| {
            let heard = async |engine: &Engine| engine.verdict("alarm-lambda-errors", "us-east-1").await;
            let (home, away) = (heard(world.home()).await, heard(world.away()).await);
            (home.as_deref(), away.as_deref()) == (Some("breached"), Some("breached"))
        })
        .await;
    assert!(world.held(Region::Home, 1).await);

    // The application is lost: the platform moves.
    applications[0].1.store(false, Ordering::Relaxed);
    world
        .until("away holds the next epoch and writes", async |world| {
            world.held(Region::Away, 2).await
        })
        .await;
    world
        .until("both switches are engaged", async |world| {
            world.switches().await == [Some(true); 2]
        })
        .await;
    world
        .until("both records point to away", async |world| {
            world.resources.records(&world.zone).await == [HOSTS[1], HOSTS[1]]
        })
        .await;
    world
        .until("away's order path is open", async |world| {
            world.resources.order_path(Region::Away).await == [2, 2, 2]
        })
        .await;
    assert!(world.resources.session_arrives(Region::Away, "after").await);

    // Home recovers, is rebuilt as a standby, and has soaked. The alarm goes down once its period has no error.
    applications[0].1.store(true, Ordering::Relaxed);
    world
        .until("the other region could take over again", async |world| {
            world.resources.put_errors(0.0).await;
            world.lease().await.is_some_and(|lease| lease.protected)
        })
        .await;
    world
        .until("the platform may come home", async |world| {
            let answer = world.away().command("failback").await;
            answer["result"] == "done"
        })
        .await;
    world
        .until("home holds the next epoch and writes", async |world| {
            world.held(Region::Home, 3).await
        })
        .await;
    world
        .until("both switches are released", async |world| {
            world.switches().await == [Some(false); 2]
        })
        .await;
    world
        .until("each record points to its own region", async |world| {
            world.resources.records(&world.zone).await == HOSTS
        })
        .await;
    world
        .until("home's order path is open again", async |world| {
            world.resources.order_path(Region::Home).await == [3, 3, 3]
        })
        .await;
    world
        .until("home serves again", async |world| {
            world.home().state().await == "serving"
        })
        .await;
}
