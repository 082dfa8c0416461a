//! The observer looks at both regions, and tells every sidecar of both.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use understudy_engine::core::evidence::WitnessState;
use understudy_engine::core::ids::Region;
use understudy_engine::service::clock::Clock;
use understudy_engine::service::parts::Parts;
use understudy_engine::service::platform::Place;
use understudy_engine::service::sources;
use understudy_policies::shipped::trading;

use crate::server::{Manner, Server};
use crate::sidecar::{OPERATOR_TOKEN, PEER_TOKEN, Running, a_path, address, clock, context, listeners, quick};

#[tokio::test]
async fn the_observer_tells_both_regions_although_one_sidecar_hangs() {
    let (home, away) = (
        Server::start(Manner::Failing).await,
        Server::start(Manner::Healthy).await,
    );
    let clock = clock(10.0);
    let mut sidecars = Vec::new();
    for region in Region::BOTH {
        let (operators, peers) = listeners().await;
        let context = context(Place::Serving(region), quick(), "[primary]\n[standby]\n", clock);
        sidecars.push(Running::listening(context, Arc::new(Parts::absent()), operators, peers));
    }
    // Takes connections, and nothing else.
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let platform = format!(
        "[primary]\nhealth = {:?}\nsidecars = [{:?}, {:?}]\n[standby]\nhealth = {:?}\nsidecars = [{:?}]\n",
        home.url,
        address(&hanging),
        sidecars[0].peers,
        away.url,
        sidecars[1].peers,
    );
    let mut tasks = JoinSet::new();
    sources::start_observer(&context(Place::Witness, quick(), &platform, clock), &mut tasks);
    for sidecar in &sidecars {
        sidecar
            .until("observer-application", Region::Home, WitnessState::Breached)
            .await;
        sidecar
            .until("observer-application", Region::Away, WitnessState::Healthy)
            .await;
    }
    home.becomes(Manner::Healthy);
    for sidecar in &sidecars {
        sidecar
            .until("observer-application", Region::Home, WitnessState::Healthy)
            .await;
        // It does not know where the databases' health is told.
        assert_eq!(sidecar.heard("observer-database", Region::Home).await, None);
    }
}

/// A process that ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn an_observer_is_a_process_of_its_own() {
    let (home, away) = (
        Server::start(Manner::Healthy).await,
        Server::start(Manner::Healthy).await,
    );
    let mut sidecars = Vec::new();
    for region in Region::BOTH {
        let (operators, peers) = listeners().await;
        let context = context(
            Place::Serving(region),
            trading(),
            "[primary]\n[standby]\n",
            Clock::real(),
        );
        sidecars.push(Running::listening(context, Arc::new(Parts::absent()), operators, peers));
    }
    let folder = a_path("observer");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let platform = format!(
        "version = 1\nenvironment = \"prod\"\nhealthy-answer = \"ok\"\n\
         [primary]\nhealth = {:?}\nsidecars = [{:?}]\n[standby]\nhealth = {:?}\nsidecars = [{:?}]\n",
        home.url, sidecars[0].peers, away.url, sidecars[1].peers,
    );
    let process = Command::new(env!("CARGO_BIN_EXE_understudy-engine"))
        .args(["run", "--region", "us-west-2", "--observer", "--listen", "127.0.0.1:0"])
        .arg("--policy")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/trading.toml"))
        .arg("--platform")
        .arg(write("platform.toml", &platform))
        .arg("--token-file")
        .arg(write("token", OPERATOR_TOKEN))
        .arg("--peer-token-file")
        .arg(write("peer-token", PEER_TOKEN))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _process = Process(process);
    for sidecar in &sidecars {
        for target in Region::BOTH {
            sidecar
                .until("observer-application", target, WitnessState::Healthy)
                .await;
        }
    }
    home.becomes(Manner::Hangs);
    for sidecar in &sidecars {
        sidecar
            .until("observer-application", Region::Home, WitnessState::Breached)
            .await;
        let other = sidecar.witness("observer-application", Region::Away).await;
        assert_eq!(other.state, WitnessState::Healthy);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
