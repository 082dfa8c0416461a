//! The observer looks at both regions, and tells every sidecar of both.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use understudy_engine::core::evidence::WitnessState;
use understudy_engine::core::ids::Region;
use understudy_engine::service::parts::Parts;
use understudy_engine::service::platform::Place;
use understudy_engine::service::sources;

use crate::server::{Manner, Server};
use crate::sidecar::{Running, address, clock, context, listeners, quick};

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
