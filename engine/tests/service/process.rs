//! One process: how it starts, what it refuses, what signals make it do, and how it ends.

use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;

use crate::engines::{Engine, write};
use crate::ports::free_port;
use crate::stage::{Cast, SECOND, Stage, policy};

const PATIENCE: Duration = Duration::from_secs(60);

/// The stage with home's first sidecar alone.
fn alone() -> Stage {
    let stage = Stage::build(Cast::default());
    stage.home().start();
    stage.until("serving", 60 * SECOND, |stage| stage.serves(Region::Home));
    stage
}

/// The same sidecar with something else in its arguments, on ports of its own.
fn with(stage: &Stage, name: &str, changes: &[(&str, &str)]) -> Engine {
    let mut arguments = stage.home().arguments().to_vec();
    let listen = format!("127.0.0.1:{}", free_port());
    let peer_listen = format!("127.0.0.1:{}", free_port());
    let ports = [("--listen", listen.as_str()), ("--peer-listen", peer_listen.as_str())];
    for (option, value) in ports.iter().chain(changes) {
        let at = arguments.iter().position(|argument| argument == option).unwrap();
        (*value).clone_into(&mut arguments[at + 1]);
    }
    Engine::new(name, arguments, stage.world.folder().join(format!("{name}.log")), None)
}

#[test]
fn a_second_process_on_the_same_journal_is_refused() {
    let stage = alone();
    let second = with(&stage, "second", &[]);
    second.start();
    assert_eq!(second.end(PATIENCE).code(), Some(3));
    assert!(second.log().contains("is used by another process"), "{}", second.log());
    assert!(stage.home().is_alive());
}

#[test]
fn another_sidecars_journal_is_refused_as_wrong_usage() {
    let stage = alone();
    stage.home().kill();
    let second = with(&stage, "second", &[("--sidecar", "2")]);
    second.start();
    assert_eq!(second.end(PATIENCE).code(), Some(2));
    assert!(
        second.log().contains("belongs to sidecar 1 of us-east-1"),
        "{}",
        second.log()
    );
}

#[test]
fn a_damaged_journal_is_set_aside_and_named_and_the_sidecar_serves() {
    let stage = alone();
    stage.home().kill();
    let journal = stage.world.folder().join("home-1").join("journal.redb");
    let bytes = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &bytes[..bytes.len() / 3]).unwrap();
    stage.home().start();
    stage.until("serving", 60 * SECOND, |stage| {
        stage.home().state() == Some(StateName::Serving) && stage.serves(Region::Home)
    });
    let log = stage.home().log();
    assert!(log.contains("is set aside and a new one begun"), "{log}");
}

#[test]
fn a_disk_that_fails_ends_the_process_with_exit_code_3() {
    let stage = Stage::build(Cast::default());
    // A limit on the size of files stands in for a full disk: a little more than a new journal has.
    let mut shell = Command::new("sh");
    shell.arg("-c").arg("trap '' XFSZ; ulimit -f 300; exec \"$0\" \"$@\"");
    shell
        .arg(env!("CARGO_BIN_EXE_understudy-engine"))
        .args(stage.home().arguments());
    stage.home().start_as(shell);
    stage.until("serving", 60 * SECOND, |stage| stage.serves(Region::Home));
    // A witness that changes its mind for ever writes one entry after the other.
    let mut lost = false;
    for _ in 0..2_000 {
        if !stage.home().is_alive() {
            break;
        }
        lost = !lost;
        stage.world.lock().regions[1].lost = lost;
        stage.world.pass(7 * SECOND);
    }
    assert_eq!(stage.home().end(PATIENCE).code(), Some(3), "{}", stage.home().log());
}

#[test]
fn a_log_that_nobody_reads_holds_up_nothing() {
    let stage = Stage::build(Cast::default());
    let pipe = stage.world.folder().join("log.pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Open for reading, as the shell's end needs; read once everything is over.
    let mut reader = std::fs::File::options().read(true).write(true).open(&pipe).unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg("exec \"$@\" 2>\"$0\"").arg(&pipe);
    shell
        .arg(env!("CARGO_BIN_EXE_understudy-engine"))
        .args(stage.home().arguments())
        .args(["--log-level", "trace"]);
    stage.home().start_as(shell);
    stage.until("serving", 60 * SECOND, |stage| stage.serves(Region::Home));
    stage.world.pass(60 * SECOND);
    stage.until("serving on", 10 * SECOND, |stage| stage.serves(Region::Home));
    stage.home().signal(Signal::TERM);
    assert_eq!(stage.home().end(PATIENCE).code(), Some(0));
    assert!(stage.world.lock().lease.released);
    let mut unread = [0; 128 * 1024];
    let unread = reader.read(&mut unread).unwrap();
    assert!(unread > 60_000, "{unread} bytes: it was not full");
}

#[test]
fn why_it_does_not_start_is_said_at_every_level_in_the_logs_format() {
    let stage = alone();
    let refused = |log: [&str; 4]| {
        let second = with(&stage, "second", &[]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_understudy-engine"));
        let output = command.args(second.arguments()).args(log).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8(output.stderr).unwrap()
    };
    for level in ["info", "off"] {
        let said = refused(["--log-level", level, "--log", "human"]);
        let last = said.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("error: ") && last.contains("is used by another process"),
            "{said}"
        );
        assert!(!said.contains('\u{1b}'), "colours are for terminals: {said}");
    }
    let said = refused(["--log-level", "error", "--log", "json"]);
    let last: Value = serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap();
    assert!(
        last["message"].as_str().unwrap().contains("is used by another process"),
        "{said}"
    );
}

#[test]
fn told_to_end_a_driver_hands_its_seat_over_and_orders_go_on() {
    let stage = Stage::build(Cast {
        sidecars: [2, 1],
        ..Cast::default()
    });
    for engine in stage.engines() {
        engine.start();
    }
    stage.until("serving", 60 * SECOND, |stage| {
        stage.is_at([StateName::Serving, StateName::Steady]) && stage.serves(Region::Home)
    });
    stage.world.pass(5 * SECOND);
    let driver = stage.driver(Region::Home);
    let began = stage.world.shared().micros();
    driver.signal(Signal::TERM);
    assert_eq!(driver.end(PATIENCE).code(), Some(0), "{}", driver.log());
    let next = stage.driver(Region::Home);
    assert_ne!(next.name(), driver.name());
    stage.world.pass(5 * SECOND);
    stage.until("serving on", 10 * SECOND, |stage| stage.serves(Region::Home));
    let state = stage.world.lock();
    assert!(!state.lease.released);
    let commits: Vec<u64> = state
        .commits
        .iter()
        .map(|commit| commit.at)
        .filter(|at| *at > began)
        .collect();
    let gap = commits.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(gap < 3_000_000, "no order for {gap} us");
}

#[test]
fn told_to_end_alone_it_finishes_its_orders_and_releases_the_lease() {
    let stage = alone();
    stage.home().signal(Signal::TERM);
    assert_eq!(stage.home().end(PATIENCE).code(), Some(0));
    let state = stage.world.lock();
    assert!(state.lease.released);
    assert!(!state.regions[0].intake && !state.regions[0].processing);
}

#[test]
fn told_to_end_twice_it_ends_at_once() {
    let stage = alone();
    // It waits for another sidecar for a quarter of a minute.
    stage.home().signal(Signal::INT);
    stage.until("leaving", 10 * SECOND, |stage| {
        stage.home().log().contains("handing over")
    });
    stage.home().signal(Signal::INT);
    assert_eq!(stage.home().end(PATIENCE).code(), Some(130));
    assert!(!stage.world.lock().lease.released);
}

#[test]
fn a_bad_policy_is_refused_and_the_one_before_goes_on() {
    let stage = alone();
    let file = stage.world.folder().join("policy.toml");
    write(&file, &policy("7d").replace("dwell = \"2s\"", "dwell = \"2 parsecs\""));
    stage.home().signal(Signal::HUP);
    stage.until("the refusal", 60 * SECOND, |stage| {
        stage.home().log().contains("the policy is not reloaded")
    });
    let log = stage.home().log();
    assert!(log.contains("dwell = \"2 parsecs\""), "it shows the place: {log}");
    // The same with what all sidecars must agree on.
    write(&file, &policy("7d").replace("grant = \"5s\"", "grant = \"4s\""));
    stage.home().signal(Signal::HUP);
    stage.until("the refusal", 60 * SECOND, |stage| {
        stage
            .home()
            .log()
            .contains("`lease` has changed, and all sidecars of both regions must agree on it")
    });
    stage.world.pass(3 * SECOND);
    assert!(stage.home().is_alive());
    stage.until("serving on", 10 * SECOND, |stage| stage.serves(Region::Home));
    assert!(!stage.home().log().contains("starting again with the new policy"));
}

#[test]
fn a_good_policy_is_taken_over_without_losing_an_order_for_long() {
    let stage = alone();
    let file = stage.world.folder().join("policy.toml");
    write(&file, &policy("7d").replace("name = \"trading\"", "name = \"evening\""));
    let began = stage.world.shared().micros();
    stage.home().signal(Signal::HUP);
    stage.until("the new policy", 60 * SECOND, |stage| {
        stage.home().log().contains("evening")
    });
    stage.world.pass(20 * SECOND);
    stage.until("serving on", 10 * SECOND, |stage| stage.serves(Region::Home));
    let state = stage.world.lock();
    let commits: Vec<u64> = state
        .commits
        .iter()
        .map(|commit| commit.at)
        .filter(|at| *at > began)
        .collect();
    let gap = commits.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(gap < 3_000_000, "no order for {gap} us");
    assert_eq!(state.lease.epoch.0, 1);
}

#[test]
fn a_policy_waits_for_the_end_of_a_role_change() {
    let stage = Stage::settled(Cast::default());
    stage.world.lock().promotes_slowly = true;
    stage.lose(Region::Home);
    stage.until("taking over", 120 * SECOND, |stage| {
        stage.away().state() == Some(StateName::Moving)
    });
    let file = stage.world.folder().join("policy.toml");
    write(&file, &policy("7d").replace("name = \"trading\"", "name = \"evening\""));
    stage.away().signal(Signal::HUP);
    stage.until("the word that it waits", 60 * SECOND, |stage| {
        stage.away().log().contains("it is applied once the engine rests")
    });
    stage.world.lock().promotes_slowly = false;
    stage.until("the failover", 120 * SECOND, |stage| {
        stage.away().state() == Some(StateName::Rejoining)
    });
    assert!(!stage.away().log().contains("starting again with the new policy"));
    stage.bring_back(Region::Home);
    stage.until("the new policy", 300 * SECOND, |stage| {
        stage.away().log().contains("starting again with the new policy")
    });
    stage.until("rest", 120 * SECOND, |stage| {
        stage.is_at([StateName::Steady, StateName::Soaking]) && stage.serves(Region::Away)
    });
    stage.check();
}

#[test]
fn one_that_was_suspended_while_it_served_finds_out_before_it_does_anything() {
    let stage = Stage::settled(Cast::default());
    stage.home().suspend();
    // Its application answers, so nobody takes over; its lease runs out meanwhile.
    stage.world.pass(25 * SECOND);
    assert!(
        !stage.serves(Region::Home),
        "the database refuses commits without a renewal"
    );
    stage.home().wake();
    stage.until("serving again", 120 * SECOND, |stage| {
        stage.is_at([StateName::Serving, StateName::Steady]) && stage.serves(Region::Home)
    });
    assert_eq!(stage.world.lock().lease.epoch.0, 1);
    stage.check();
}

#[test]
fn one_that_was_suspended_while_another_region_took_over_does_nothing() {
    let stage = Stage::settled(Cast::default());
    stage.home().suspend();
    stage.world.lock().regions[0].lost = true;
    stage.until("the failover", 120 * SECOND, |stage| {
        stage.away().state() == Some(StateName::Rejoining) && stage.serves(Region::Away)
    });
    // The region answers again, and with it the one that knows nothing.
    stage.world.lock().regions[0].lost = false;
    stage.home().wake();
    stage.until("rest", 300 * SECOND, |stage| {
        stage.is_at([StateName::Steady, StateName::Soaking]) && stage.serves(Region::Away)
    });
    stage.check();
}

#[test]
fn a_connection_of_before_ends_with_the_round() {
    let stage = alone();
    let address = {
        let arguments = stage.home().arguments();
        let at = arguments
            .iter()
            .position(|argument| argument == "--peer-listen")
            .unwrap();
        arguments[at + 1].clone()
    };
    let mut kept = std::net::TcpStream::connect(&address).unwrap();
    let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\n\r\n");
    kept.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 16];
    kept.read_exact(&mut answer).unwrap();
    let file = stage.world.folder().join("policy.toml");
    write(&file, &policy("7d").replace("name = \"trading\"", "name = \"evening\""));
    stage.home().signal(Signal::HUP);
    kept.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut rest = Vec::new();
    // Closed or reset, but not kept open for a core that is gone.
    let ended = kept.read_to_end(&mut rest);
    assert!(
        !matches!(&ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock),
        "{ended:?}"
    );
    let mut again = std::net::TcpStream::connect(&address).unwrap();
    again.write_all(request.as_bytes()).unwrap();
    again.read_exact(&mut answer).unwrap();
}
