//! Drills as a whole: real processes, which never outlive them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Against hangs only: nothing that is measured here depends on it.
const PATIENCE: Duration = Duration::from_secs(240);

/// A folder of one test, in which its drill keeps everything that it writes.
struct Room(PathBuf);

impl Room {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("drill-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn drill(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_understudy-sim"));
        command
            .arg("drill")
            .args(arguments)
            .env("TMPDIR", &self.0)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The folders that drills have left behind.
    fn left_behind(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("understudy-drill")).collect()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A drill under way, which does not outlive its test.
struct UnderWay(Child);

impl Drop for UnderWay {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl UnderWay {
    /// Waits until it says something on standard error.
    fn until_said(&mut self, what: &str) {
        let stderr = self.0.stderr.take().unwrap();
        let mut lines = BufReader::new(stderr).lines();
        let said = lines.by_ref().map_while(Result::ok).any(|line| line.contains(what));
        assert!(said, "the drill ended before it said `{what}`");
        // Whoever writes to a pipe that nobody reads would stop.
        drop(thread::spawn(move || lines.map_while(Result::ok).count()));
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid_of(self.0.id()), signal).unwrap();
    }

    /// The processes that it has started.
    fn engines(&self) -> Vec<u32> {
        let of = |pid: u32| parent_of(pid) == Some(self.0.id());
        let entries = fs::read_dir("/proc").unwrap();
        entries
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .filter(|pid| of(*pid))
            .collect()
    }
}

fn pid_of(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
}

/// The parent, by the fourth field of `stat`. The second is a name in brackets, which may hold anything.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a process is an engine of a drill. Its id may be somebody else's by now.
fn is_engine(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("__engine")
    })
}

#[expect(clippy::disallowed_methods, reason = "processes end when they do")]
fn await_end_of(pids: &[u32]) {
    let begun = Instant::now();
    while pids.iter().any(|pid| is_engine(*pid)) {
        assert!(begun.elapsed() < PATIENCE, "left behind: {pids:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_lost_region_is_left_within_the_budget_by_real_processes_and_none_of_them_is_left() {
    let room = Room::new("region-loss");
    let output = room
        .drill(&["region-loss", "--speed", "10", "--json"])
        .output()
        .unwrap();
    let report = json(&output);
    assert_eq!(output.status.code(), Some(0), "{:#}", report["run"]["verdict"]);
    for figure in ["accepted_again_seconds", "processed_again_seconds"] {
        let seconds = report[figure].as_f64().unwrap();
        assert!((5.0..60.0).contains(&seconds), "{figure}: {seconds}");
    }
    assert_eq!(report["run"]["actual"]["ends_in"], "us-east-2");
    assert_eq!(report["run"]["violations"], Value::Array(Vec::new()));
    assert!(report["measured"]["placed"].as_u64().unwrap() > 500);
    let processes = report["processes"].as_array().unwrap();
    assert_eq!(processes.len(), 3, "two sidecars and the observer");
    for pid in processes {
        assert!(!is_engine(u32::try_from(pid.as_u64().unwrap()).unwrap()));
    }
    assert_eq!(room.left_behind(), [""; 0]);
    let page = fs::read_to_string(room.0.join("drill-report.html")).unwrap();
    for part in ["<svg", "Orders accepted again", "aurora-detach", "rejoining"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script"), "the page is whole without scripts");
}

#[test]
fn a_sidecar_that_crashes_in_the_middle_of_a_failover_is_killed_for_real_and_goes_on() {
    let room = Room::new("crash");
    let output = room
        .drill(&["crash-at-promote-database", "--speed", "10", "--json"])
        .output()
        .unwrap();
    let report = json(&output);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{:#} {:#}",
        report["run"]["verdict"],
        report["troubles"]
    );
    let lanes = report["lanes"].as_array().unwrap();
    let away = lanes.iter().find(|lane| lane["who"] == "us-east-2 engine").unwrap();
    let ways: Vec<&str> = away["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| span["what"].as_str().unwrap())
        .collect();
    assert!(ways.contains(&"not running") && ways.contains(&"rejoining"), "{ways:?}");
}

#[test]
fn several_drills_are_added_up() {
    let room = Room::new("repeated");
    let output = room
        .drill(&["region-loss", "--speed", "20", "--repeat", "2", "--json"])
        .output()
        .unwrap();
    let repeated = json(&output);
    assert_eq!(output.status.code(), Some(0), "{repeated:#}");
    assert_eq!(repeated["drills"], 2);
    assert_eq!(repeated["accepted_again"]["inside"], 2);
    assert_eq!(repeated["accepted_again"]["each_seconds"].as_array().unwrap().len(), 2);
}

#[test]
fn ctrl_c_in_the_middle_leaves_nothing_behind_and_exits_130() {
    let room = Room::new("ctrl-c");
    let mut drill = UnderWay(room.drill(&["region-loss"]).spawn().unwrap());
    drill.until_said("serving");
    let engines = drill.engines();
    assert_eq!(engines.len(), 3);
    assert!(engines.iter().all(|pid| is_engine(*pid)));
    drill.signal(Signal::INT);
    let status = drill.0.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(!engines.iter().any(|pid| is_engine(*pid)), "{engines:?}");
    assert_eq!(room.left_behind(), [""; 0]);
    assert!(!room.0.join("drill-report.html").exists());
}

#[test]
fn a_drill_that_is_killed_takes_its_processes_with_it_also_those_that_are_suspended() {
    let room = Room::new("killed");
    let mut drill = UnderWay(room.drill(&["region-loss", "--speed", "10"]).spawn().unwrap());
    drill.until_said("us-east-1 region does not answer");
    let engines = drill.engines();
    assert_eq!(engines.len(), 3);
    drill.signal(Signal::KILL);
    drill.0.wait().unwrap();
    await_end_of(&engines);
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_anything_runs() {
    let room = Room::new("unwritable");
    let output = room
        .drill(&["region-loss", "--report", "no/such/folder.html"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write"));
    assert_eq!(room.left_behind(), [""; 0]);
}
