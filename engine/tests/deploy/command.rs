//! Command lines, tried on the engine itself.

use std::process::Command;

/// What every deployment of a sidecar passes, and where: the last part of the value must be the first of these, or the value
/// the second.
const PASSED: [(&str, &str, &str); 4] = [
    ("--policy", "policy.toml", "env:UNDERSTUDY_POLICY"),
    ("--platform", "platform.toml", "env:UNDERSTUDY_PLATFORM"),
    ("--token-file", "token", "env:UNDERSTUDY_TOKEN"),
    ("--peer-token-file", "peer-token", "env:UNDERSTUDY_PEER_TOKEN"),
];

/// The value of an option, as `--option value` or `--option=value`.
pub(crate) fn value<'a>(arguments: &'a [String], option: &str) -> Option<&'a str> {
    arguments.iter().enumerate().find_map(|(at, argument)| {
        let rest = argument.strip_prefix(option)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => arguments.get(at + 1).map(String::as_str),
            None => None,
        }
    })
}

/// Runs the engine. The exit code, and what it said.
fn engine(arguments: &[String]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_understudy-engine"))
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Whether `run` takes just these arguments: with a policy that is not there, it gets as far as looking for it.
pub(crate) fn assert_runs(arguments: &[String]) {
    for (option, end, variable) in PASSED {
        let value = value(arguments, option).unwrap_or_else(|| panic!("{option} is not passed"));
        if value != variable {
            assert_eq!(value.rsplit('/').next(), Some(end), "{option} {value}");
        }
    }
    let nowhere = tempfile::tempdir().unwrap();
    let missing = nowhere.path().join("policy.toml").display().to_string();
    let policy = value(arguments, "--policy").unwrap();
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| argument.replace(policy, &missing))
        .collect();
    let (code, said) = engine(&arguments);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains(&missing) && !said.contains("Usage"),
        "{arguments:?}: {said}"
    );
}

/// Whether a command takes just these arguments. Only the help is shown.
pub(crate) fn assert_takes(arguments: &[&str]) {
    let arguments: Vec<String> = arguments
        .iter()
        .chain(&["--help"])
        .map(|text| (*text).to_owned())
        .collect();
    let (code, said) = engine(&arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
}

/// Operators reach the engine on its own machine only; the default is such an address.
pub(crate) fn assert_listens_on_loopback(arguments: &[String]) {
    let listen = value(arguments, "--listen").unwrap_or("127.0.0.1:7070");
    let address: std::net::SocketAddr = listen.parse().unwrap();
    assert!(address.ip().is_loopback(), "{listen}");
    assert_eq!(address.port(), 7070, "`understudy-engine status` looks there");
}

#[test]
fn what_the_engine_does_not_take_is_noticed() {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let good = [
        "run",
        "--region=r",
        "--policy=/etc/policy.toml",
        "--platform=/etc/platform.toml",
        "--token-file=/run/token",
        "--peer-token-file=/run/peer-token",
    ];
    assert_runs(&texts(&good));
    let mut wrong = texts(&good);
    wrong.push("--lease=mine".to_owned());
    assert!(std::panic::catch_unwind(|| assert_runs(&wrong)).is_err());
    assert!(std::panic::catch_unwind(|| assert_runs(&texts(&good[..5]))).is_err());
    assert!(std::panic::catch_unwind(|| assert_takes(&["status", "--steady"])).is_err());
}
