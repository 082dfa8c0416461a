//! The systemd unit, as `systemd-analyze` sees it. Debian has that in its package `systemd`; `scripts/test` installs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::command::{assert_listens_on_loopback, assert_runs};
use crate::read;

const UNIT: &str = "deploy/systemd/understudy-engine@.service";
/// Of ten, where ten is a service that may do everything. Above this something was taken out of the sandbox.
const EXPOSURE_MAX: f64 = 1.5;

/// The command of the unit, as systemd would start it.
fn command() -> Vec<String> {
    let unit = read(UNIT).replace("\\\n", " ");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    start
        .replace("%i", "1")
        .replace("${REGION}", "us-east-1")
        .replace("${STATE_DIRECTORY}", "/var/lib/understudy/1")
        .replace(
            "${CREDENTIALS_DIRECTORY}",
            "/run/credentials/understudy-engine@1.service",
        )
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// The unit with the program that is there, and with more lines.
fn unit_in(folder: &Path, more: &str) -> PathBuf {
    let engine = env!("CARGO_BIN_EXE_understudy-engine");
    let text = read(UNIT)
        .replace("/usr/local/bin/understudy-engine", engine)
        .replace("[Install]", &format!("{more}\n[Install]"));
    std::fs::write(folder.join("understudy-engine@.service"), text).unwrap();
    folder.join("understudy-engine@1.service")
}

fn analyze(arguments: &[&str], unit: &Path) -> Output {
    Command::new("systemd-analyze")
        .args(arguments)
        .arg(unit)
        .env("SYSTEMD_COLORS", "0")
        .env("SYSTEMD_PAGER", "cat")
        .output()
        .expect("systemd-analyze is missing; Debian has it in its package `systemd`")
}

#[test]
fn the_unit_passes_what_the_engine_takes() {
    let command = command();
    assert_eq!(command[0], "/usr/local/bin/understudy-engine");
    assert_runs(&command[1..]);
    assert_listens_on_loopback(&command[1..]);
    // Tokens come by systemd's credentials: only root can read their files.
    for option in ["--token-file", "--peer-token-file"] {
        let path = crate::command::value(&command, option).unwrap();
        assert!(path.starts_with("/run/credentials/"), "{option} {path}");
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let verify = ["verify", "--man=no"];
    let output = analyze(&verify, &unit_in(folder.path(), ""));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    // systemd may complain of other units of the machine.
    assert!(!said.contains("understudy"), "{said}");
    let output = analyze(&verify, &unit_in(folder.path(), "ProtectSystem=sometimes"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("understudy-engine@.service"),
        "it would have been said: {said}"
    );
}

#[test]
fn the_unit_s_sandbox_is_tight() {
    let folder = tempfile::tempdir().unwrap();
    let exposure = |more: &str| {
        let output = analyze(&["security", "--offline=yes"], &unit_in(folder.path(), more));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, level) = said
            .split_once("exposure level for understudy-engine@1.service: ")
            .unwrap();
        level.split_whitespace().next().unwrap().parse::<f64>().unwrap()
    };
    let tight = exposure("");
    assert!(tight <= EXPOSURE_MAX, "{tight}");
    assert!(
        exposure("PrivateUsers=no\nProtectSystem=no\nNoNewPrivileges=no\nRestrictAddressFamilies=\n") > EXPOSURE_MAX
    );
}
