//! Events as files, and a platform that they belong to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use understudy_engine::core::ids::WitnessId;
use understudy_engine::core::time::WallTime;
use understudy_engine::decode::{Content, Directory, Environment, Ignored, Rejection, decode};
use understudy_policies::model::{Component, FailureDomain, MissingData, RegionName, Regions, Witness, WitnessKind};

/// 2026-11-23T14:31:00Z
pub(crate) const MOMENT: i64 = 1_795_444_260_000;

/// When the events of the fixtures arrive.
pub(crate) const RECEIVED: WallTime = WallTime::from_millis(MOMENT + 600_000);

pub(crate) const LAMBDA_ERRORS: WitnessId = WitnessId(1);
pub(crate) const API_LATENCY: WitnessId = WitnessId(2);
pub(crate) const REPLICATION_LAG: WitnessId = WitnessId(3);
pub(crate) const HEARTBEAT: WitnessId = WitnessId(4);
pub(crate) const HEARTBEAT_ALARM: WitnessId = WitnessId(5);
pub(crate) const ROUTE53_ENDPOINT: WitnessId = WitnessId(6);
pub(crate) const AWS_HEALTH: WitnessId = WitnessId(7);

fn witness(name: &str, kind: WitnessKind, failure_domain: FailureDomain) -> Witness {
    Witness {
        name: name.to_owned(),
        kind,
        observes: Component::Application,
        failure_domain,
        quorum: false,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        breach_after: 3,
        clear_after: 5,
        missing_after: Duration::from_secs(3),
        missing_data: MissingData::Missing,
    }
}

pub(crate) fn witnesses() -> Vec<Witness> {
    use FailureDomain::{Internet, PeerRegion, Provider, TargetRegion};
    use WitnessKind::{AwsHealth, CloudwatchAlarm, Heartbeat, HttpProbe, Route53Check};
    vec![
        witness("peer-application", HttpProbe, PeerRegion),
        witness("alarm-lambda-errors", CloudwatchAlarm, TargetRegion),
        witness("alarm-api-latency", CloudwatchAlarm, TargetRegion),
        witness("alarm-replication-lag", CloudwatchAlarm, TargetRegion),
        witness("heartbeat", Heartbeat, PeerRegion),
        witness("heartbeat-alarm", CloudwatchAlarm, PeerRegion),
        witness("route53-endpoint", Route53Check, Internet),
        witness("aws-health", AwsHealth, Provider),
    ]
}

fn region(name: &str) -> RegionName {
    RegionName::new(name).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn directory_with(witnesses: &[Witness]) -> Directory {
    let environment = Environment::new("prod").unwrap_or_else(|error| panic!("{error}"));
    let regions = Regions {
        primary: region("us-east-1"),
        standby: region("us-east-2"),
        witness: region("us-west-2"),
    };
    Directory::new(&regions, witnesses, &environment).with_accounts(["111122223333".to_owned()])
}

pub(crate) fn directory() -> Directory {
    directory_with(&witnesses())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/events")
}

/// The text of one event.
pub(crate) fn event(name: &str) -> String {
    let path = folder().join(name).with_extension("json");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all events.
pub(crate) fn all() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap_or_else(|error| panic!("{error}"));
    let mut names: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort_unstable();
    names
}

/// An event with one part of its text replaced, which must stand in it.
pub(crate) fn changed(name: &str, old: &str, new: &str) -> String {
    let text = event(name);
    assert!(text.contains(old), "{name} has no {old}");
    text.replace(old, new)
}

pub(crate) fn decode_text(text: &str) -> Result<Content, Rejection> {
    decode(&directory(), text.as_bytes(), RECEIVED).map(|decoded| decoded.content)
}

pub(crate) const fn ignored(ignored: Ignored) -> Result<Content, Rejection> {
    Ok(Content::Ignored(ignored))
}
