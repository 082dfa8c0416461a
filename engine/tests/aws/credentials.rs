//! No key gets into the log: neither its id nor its secret, from wherever it came, at whatever level.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::emulator::free_port;
use crate::process::{Files, Key};
use crate::scripted::{Answer, Scripted};

const PATIENCE: Duration = Duration::from_secs(120);
/// Not one that AWS ever gave out.
const KEY: Key = Key {
    id: "AKIAUNDERSTUDYTEST01",
    secret: "understudy/test/secret/that/is/in/no/log",
};
/// At `trace` everything that has to do with AWS has been told by then.
const CALLS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_gets_into_the_log_of_a_sidecar_or_of_create_lease() {
    // Whoever is asked refuses, and says whom: what services say of a key gets no further than here either.
    let said = format!("The security token of {} is invalid", KEY.id);
    let aws = Scripted::new(move |_| {
        Answer::json(
            400,
            format!(r#"{{"__type":"com.amazonaws#UnrecognizedClientException","message":"{said}"}}"#),
        )
    });
    let platform = "version = 1\nenvironment = \"dev1\"\n[primary]\nhealth = \"http://127.0.0.1:9/\"\n[standby]\n\
                    health = \"http://127.0.0.1:9/\"\n[aws]\naccount = \"000000000000\"\n";
    let policy = include_str!("../../../policies/trading.toml");
    for level in ["info", "trace"] {
        let files = Files::new(policy, platform, &aws.url()).with_key(KEY, level);
        let (code, told) = files.create_lease_and_tell();
        assert_ne!(code, Some(0));
        let before = aws.asked().len();
        let peers = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let engine = files.start("us-east-1", peers, false);
        let began = Instant::now();
        while aws.asked().len() < before + CALLS {
            assert!(began.elapsed() < PATIENCE, "{} calls", aws.asked().len());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let log = engine.whole_log();
        assert!(
            log.contains("UnrecognizedClient") || log.contains("credentials"),
            "{log}"
        );
        for text in [&told, &log] {
            for secret in [KEY.id, KEY.secret] {
                let line = text.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "at {level}");
            }
        }
    }
}
