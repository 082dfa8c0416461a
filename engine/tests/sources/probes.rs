//! What a sidecar sees with its own eyes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use understudy_engine::core::evidence::WitnessState;
use understudy_engine::core::ids::Region;
use understudy_engine::service::platform::Place;
use understudy_engine::service::sources::DatabaseProbe;

use crate::server::{Manner, Server};
use crate::sidecar::{Running, clock, context, quick, until};

const AWAY: Place = Place::Serving(Region::Away);

#[tokio::test]
async fn each_witness_sees_its_own_target() {
    let (home, away, outside) = (
        Server::start(Manner::Healthy).await,
        Server::start(Manner::Failing).await,
        Server::start(Manner::Failing).await,
    );
    let platform = format!(
        "references = [{:?}]\n[primary]\nhealth = {:?}\n[standby]\nhealth = {:?}\n",
        outside.url, home.url, away.url
    );
    let sidecar = Running::start(context(AWAY, quick(), &platform, clock(10.0))).await;
    sidecar
        .until("peer-application", Region::Home, WitnessState::Healthy)
        .await;
    sidecar
        .until("self-application", Region::Away, WitnessState::Breached)
        .await;
    // Any answer of a reference shows that it is not we who are cut off.
    sidecar.until("reference", Region::Away, WitnessState::Healthy).await;
    // Nobody here is those.
    for (name, target) in [
        ("self-application", Region::Home),
        ("peer-application", Region::Away),
        ("observer-application", Region::Home),
        ("reference", Region::Home),
        ("peer-database", Region::Home),
    ] {
        assert_eq!(sidecar.heard(name, target).await, None, "{name} about {target:?}");
    }
    home.becomes(Manner::Failing);
    sidecar
        .until("peer-application", Region::Home, WitnessState::Breached)
        .await;
    away.becomes(Manner::Healthy);
    sidecar
        .until("self-application", Region::Away, WitnessState::Healthy)
        .await;
}

#[tokio::test]
async fn a_target_that_hangs_holds_up_neither_the_next_look_nor_another_witness() {
    let (home, away) = (Server::start(Manner::Hangs).await, Server::start(Manner::Healthy).await);
    let platform = format!(
        "[primary]\nhealth = {:?}\n[standby]\nhealth = {:?}\n",
        home.url, away.url
    );
    let sidecar = Running::start(context(AWAY, quick(), &platform, clock(10.0))).await;
    until("twenty looks", async || away.connections() >= 20).await;
    // The same interval, so about as many looks; a busy machine may be late with a few.
    assert!(home.connections() >= 10, "{} looks", home.connections());
    sidecar
        .until("peer-application", Region::Home, WitnessState::Breached)
        .await;
    sidecar
        .until("self-application", Region::Away, WitnessState::Healthy)
        .await;
    home.becomes(Manner::Healthy);
    sidecar
        .until("peer-application", Region::Home, WitnessState::Healthy)
        .await;
}

#[tokio::test]
async fn a_connection_that_died_eats_no_look() {
    let home = Server::start(Manner::HealthyOnce).await;
    let platform = format!("[primary]\nhealth = {:?}\n[standby]\n", home.url);
    let mut policy = quick();
    for witness in &mut policy.witnesses {
        // One lost look would be a breach, and this many healthy ones would not clear it.
        witness.clear_after = 100;
    }
    let sidecar = Running::start(context(AWAY, policy, &platform, clock(1.0))).await;
    until("four looks", async || home.connections() >= 4).await;
    sidecar
        .until("peer-application", Region::Home, WitnessState::Healthy)
        .await;
}

#[tokio::test]
async fn probes_keep_the_pace_of_a_drill() {
    let home = Server::start(Manner::Healthy).await;
    let platform = format!("[primary]\nhealth = {:?}\n[standby]\n", home.url);
    let clock = clock(20.0);
    let began = clock.boot();
    let _sidecar = Running::start(context(AWAY, quick(), &platform, clock)).await;
    let twenty = until("twenty-one looks", async || home.connections() >= 21);
    // Twenty seconds of the drill are one of ours; at our own pace they would take twenty.
    assert!(tokio::time::timeout(Duration::from_secs(15), twenty).await.is_ok());
    let took = clock.boot().since(began);
    assert!(took >= Duration::from_secs(19), "faster than every second: {took:?}");
}

/// A database that answers or does not, and hangs before it does not.
#[derive(Debug, Default)]
struct Database(AtomicBool);

#[async_trait]
impl DatabaseProbe for Database {
    async fn answers(&self) -> bool {
        if self.0.load(Ordering::Relaxed) {
            return true;
        }
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_database_is_probed_by_whoever_is_configured_and_given_up_in_time() {
    let database = Arc::new(Database(AtomicBool::new(true)));
    let mut context = context(AWAY, quick(), "[primary]\n[standby]\n", clock(10.0));
    context.database_probes = [Some(Arc::clone(&database) as _), None];
    let sidecar = Running::start(context).await;
    sidecar
        .until("peer-database", Region::Home, WitnessState::Healthy)
        .await;
    database.0.store(false, Ordering::Relaxed);
    sidecar
        .until("peer-database", Region::Home, WitnessState::Breached)
        .await;
    assert_eq!(sidecar.heard("self-database", Region::Away).await, None);
}
