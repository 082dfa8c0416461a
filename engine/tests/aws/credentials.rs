//! No key gets into the log: neither its id nor its secret, at whatever level. Only what the SDK itself tells, if somebody
//! asks for it by its name, has the id.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::ports::free_port;
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
    for (level, has_the_id) in [
        ("info", false),
        ("trace", false),
        // Shows that it would be found.
        ("info,aws_smithy_runtime=trace", true),
    ] {
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
        let line_with = |text: &str, what| text.lines().find(|line| line.contains(what)).map(str::to_owned);
        assert_eq!(line_with(&log, KEY.id).is_some(), has_the_id, "at {level}");
        assert_eq!(line_with(&log, KEY.secret), None, "at {level}");
        assert_eq!(line_with(&told, KEY.id), None);
        assert_eq!(line_with(&told, KEY.secret), None);
    }
}
