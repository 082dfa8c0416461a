//! Sidecars of this version beside those of the version before: an update replaces one after the other.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use understudy_engine::core::evidence::WitnessState;
use understudy_engine::core::ids::{Region, WitnessId};
use understudy_engine::core::journal::Happening;
use understudy_engine::core::machine::StateName;
use understudy_policies::shipped;

use crate::engines::Engine;
use crate::stage::{Cast, SECOND, Stage};

/// The journal that a sidecar of the version before left behind, in the middle of a failover.
fn leave_format_1(stage: &Stage, who: &str) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/service/fixtures/journal-format-1.redb");
    let folder = stage.world.folder().join(who);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(fixture, folder.join("journal.redb")).unwrap();
}

#[test]
fn a_sidecar_on_the_journal_of_the_version_before_works_beside_one_of_this_version() {
    let stage = Stage::build(Cast {
        sidecars: [1, 2],
        ..Cast::default()
    });
    leave_format_1(&stage, "away-1");
    for engine in stage.engines() {
        engine.start();
    }
    stage.until("the platform settles", 60 * SECOND, |stage| {
        stage.is_at([StateName::Serving, StateName::Steady]) && stage.serves(Region::Home)
    });
    assert!(!stage.away().log().contains("set aside"), "{}", stage.away().log());
    // What the version before had written down holds: an operator had paused role changes.
    stage.world.pass(8 * SECOND);
    let driver = stage.driver(Region::Away);
    let paused = driver.name() == "away-1";
    stage.lose(Region::Home);
    if paused {
        stage.until("the pause holds", 60 * SECOND, |stage| {
            stage.is_anywhere(Region::Away, StateName::Blocked)
        });
        // The other one takes the seat, and knows of no pause.
        driver.kill();
    }
    stage.until("the failover", 120 * SECOND, |stage| {
        stage.is_anywhere(Region::Away, StateName::Rejoining) && stage.serves(Region::Away)
    });
    if paused {
        driver.start();
    }
    stage.bring_back(Region::Home);
    stage.until("rest", 300 * SECOND, |stage| {
        stage.is_at([StateName::Steady, StateName::Soaking]) && stage.serves(Region::Away)
    });
    stage.check();
}

/// Sends a body as the version before did, and returns the status of the answer.
fn post(to: &Engine, path: &str, body: &str) -> u16 {
    let arguments = to.arguments();
    let at = arguments
        .iter()
        .position(|argument| argument == "--peer-listen")
        .unwrap();
    let mut stream = TcpStream::connect(&arguments[at + 1]).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: sidecar\r\nauthorization: Bearer fedcba9876543210fedcba9876543210\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_peer_and_an_observer_of_the_version_before_are_heard() {
    let stage = Stage::build(Cast::default());
    stage.home().start();
    stage.away().start();
    stage.until("the platform settles", 60 * SECOND, |stage| {
        stage.is_at([StateName::Serving, StateName::Steady])
    });
    // No observer runs: what is heard of its witness is what this test sends, in the format before.
    let now = || stage.world.shared().clock.wall().as_millis();
    let heartbeat = format!("{{\"region\": \"us-east-1\", \"sent_ms\": {}}}", now());
    assert_eq!(post(stage.away(), "/peer/v1/heartbeat", &heartbeat), 204);
    for _ in 0..40 {
        let signals = format!(
            "{{\"signals\": [{{\"witness\": \"observer-application\", \"target\": \"us-east-1\", \
             \"observation\": \"healthy\", \"observed_ms\": {}}}]}}",
            now()
        );
        assert_eq!(post(stage.away(), "/peer/v1/signals", &signals), 204);
        stage.world.pass(SECOND / 2);
    }
    let witness = shipped::trading()
        .witnesses
        .iter()
        .position(|witness| witness.name == "observer-application")
        .unwrap();
    let witness = WitnessId(u8::try_from(witness).unwrap());
    let heard = |entry: &Happening| {
        matches!(entry, Happening::Witness { witness: heard, target: Region::Home, to: WitnessState::Healthy, .. }
            if *heard == witness)
    };
    assert!(
        stage.away().entries().iter().any(|entry| heard(&entry.what)),
        "{}",
        stage.story()
    );
    // And one of a later format is refused in words, not misread.
    let later = format!(
        "{{\"version\": 9, \"least\": 9, \"region\": \"us-east-1\", \"sent_ms\": {}}}",
        now()
    );
    assert!(post(stage.away(), "/peer/v1/heartbeat", &later) >= 400);
}
