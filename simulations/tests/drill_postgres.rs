//! The drill on two real PostgreSQL servers: one run of each fault, with bounds that a busy machine keeps. What must be
//! reached is measured by `understudy-sim drill --postgres --repeat 6`.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use understudy_policies::shipped::LOCAL_POSTGRES;
use understudy_simulations::drill::Stop;
use understudy_simulations::drill::postgres::report::RunReport;
use understudy_simulations::drill::postgres::{Fault, PostgresDrill, run};

const PROGRAM: &str = env!("CARGO_BIN_EXE_understudy-sim");

fn play(fault: Fault, fenced: bool) -> RunReport {
    let drill = PostgresDrill {
        faults: &[fault],
        repeat: 1,
        fenced,
        policy_text: LOCAL_POSTGRES.text,
        program: PathBuf::from(PROGRAM),
    };
    let mut report = run(&drill, &Stop::new(), &mut |line| println!("{line}")).unwrap();
    report.runs.pop().unwrap()
}

/// The engine moved the writer, and told where the time went.
fn moved(run: &RunReport) -> u64 {
    let phases: Vec<&str> = run.ledger.iter().map(|line| line.phase).collect();
    for phase in ["detect", "claim", "promote", "verify"] {
        assert!(phases.contains(&phase), "{run:?}");
    }
    run.writable_again_ms.expect("the client found the new writer")
}

#[test]
fn a_killed_server_and_sidecar_are_replaced() {
    let run = play(Fault::Killed, true);
    assert!(moved(&run) < 40_000, "{run:?}");
    assert_eq!(run.old_writer_until_ms, None, "{run:?}");
}

#[test]
fn a_suspended_node_is_replaced() {
    let run = play(Fault::NodeSuspended, true);
    assert!(moved(&run) < 40_000, "{run:?}");
}

#[test]
fn backends_that_outlive_a_hung_postmaster_lose_no_acknowledged_row() {
    let run = play(Fault::PostmasterSuspended, true);
    let writable_again = moved(&run);
    assert_eq!(run.acknowledged_lost, 0, "{run:?}");
    // The old writer went on, until the fence stopped it, before the new one began.
    let until = run.old_writer_until_ms.expect("its backends live on");
    assert!(until < writable_again && run.refused_by_fence > 0, "{run:?}");
}

#[test]
fn without_the_fence_the_same_fault_loses_acknowledged_rows() {
    let run = play(Fault::PostmasterSuspended, false);
    assert!(run.acknowledged_lost > 0, "{run:?}");
    assert_eq!(run.refused_by_fence, 0, "{run:?}");
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let mut drill = Command::new(PROGRAM)
        .args(["drill", "--postgres", "--fault", "node-suspended"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = drill.id();
    let mut lines = BufReader::new(drill.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    // In the middle of it: a whole node is suspended.
    assert!(lines.any(|line| line.contains("now the fault")));
    pause();
    assert!(!processes_of(id).is_empty(), "it runs servers and engines");
    kill_process(Pid::from_raw(i32::try_from(id).unwrap()).unwrap(), Signal::INT).unwrap();
    assert_eq!(drill.wait().unwrap().code(), Some(130));
    assert_eq!(processes_of(id), Vec::<String>::new());
    let left: Vec<_> = std::fs::read_dir(std::env::temp_dir())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains(&folder_of(id)))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[expect(clippy::disallowed_methods, reason = "the drill is live")]
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(500));
}

/// What the folder of a drill is called.
fn folder_of(drill: u32) -> String {
    format!("understudy-drill-{drill}-")
}

/// The command lines of everything that a drill has started: each names the drill's folder, or is of a server that does.
fn processes_of(drill: u32) -> Vec<String> {
    let folder = folder_of(drill);
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let here = |name: &str| entry.path().join(name);
            let line = std::fs::read_to_string(here("cmdline")).ok()?.replace('\0', " ");
            let at = std::fs::read_link(here("cwd")).unwrap_or_default();
            (line.contains(&folder) || at.to_string_lossy().contains(&folder)).then_some(line)
        })
        .collect()
}
