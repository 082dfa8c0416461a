//! The command line, as people and programs meet it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_understudy-policy"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR");
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder of this test's own.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn help_and_answers_are_as_documented() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}

#[test]
fn files_that_cannot_be_read_are_named_and_exit_with_2() {
    let folder = scratch("unreadable");
    let (latin, large) = (folder.join("latin.toml"), folder.join("large.toml"));
    std::fs::write(&latin, b"name = \"caf\xe9\"\n").unwrap();
    std::fs::write(&large, vec![b'#'; (1 << 20) + 1]).unwrap();
    for (file, reason) in [
        (latin.to_str().unwrap(), "is not UTF-8 text (byte 11)"),
        (large.to_str().unwrap(), "is larger than 1 MiB"),
        (folder.to_str().unwrap(), "is a directory"),
        ("no-such-file.toml", "cannot read `no-such-file.toml`"),
    ] {
        for command in [&["check"][..], &["budget"], &["fmt"], &["diff", "trading.toml"]] {
            let output = run(&[command, &[file]].concat());
            assert_eq!(output.status.code(), Some(2), "{command:?} {file}");
            assert!(stderr(&output).contains(reason), "{}", stderr(&output));
            assert!(output.stdout.is_empty());
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_what_is_wrong_with_the_others() {
    let output = run(&[
        "check",
        "--json",
        "no-such-file.toml",
        "tests/bad/up301-stall-fences.toml",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["valid"], false);
    assert_eq!(object["unreadable"][0]["file"], "no-such-file.toml");
    assert_eq!(
        object["files"][0]["findings"][0]["code"], "UP301",
        "what refuses the file comes first"
    );
}

#[test]
fn json_is_one_object_on_standard_output_for_every_command() {
    for (arguments, code) in [
        (&["check", "trading.toml", "fast.toml"][..], 0),
        (&["check", "tests/bad/up001-broken-line.toml"], 1),
        (&["budget", "trading.toml"], 0),
        (&["budget", "tests/bad/up001-broken-line.toml"], 1),
        (&["budget", "tests/bad/up201-three-domains.toml"], 1),
        (&["diff", "trading.toml", "cautious.toml"], 0),
        (&["explain", "UP301"], 0),
        (&["explain", "lease.ttl"], 0),
        (&["explain", "no.such.key"], 2),
        (&["schema"], 0),
        (&["fmt", "--check", "trading.toml"], 0),
    ] {
        let output = run(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(object.is_object(), "{arguments:?}");
    }
}

#[test]
fn standard_input_is_read_where_a_file_is_named_with_a_dash() {
    let mut child = program()
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let trading = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("trading.toml")).unwrap();
    child.stdin.take().unwrap().write_all(&trading).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"standard input: valid"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = program()
        .arg("schema")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(said, "");
}

#[test]
fn fmt_writes_only_what_differs_and_nothing_when_asked_to_check() {
    let folder = scratch("fmt");
    let untidy = folder.join("untidy.toml");
    std::fs::write(&untidy, "a=1   # one\n\n\n[b]\nc =2\n").unwrap();
    let file = untidy.to_str().unwrap();
    assert_eq!(run(&["fmt", "--check", file]).status.code(), Some(1));
    assert_eq!(
        std::fs::read_to_string(&untidy).unwrap(),
        "a=1   # one\n\n\n[b]\nc =2\n"
    );
    assert_eq!(run(&["fmt", file]).status.code(), Some(0));
    assert_eq!(
        std::fs::read_to_string(&untidy).unwrap(),
        "a = 1   # one\n\n[b]\nc = 2\n"
    );
    assert_eq!(run(&["fmt", "--check", file]).status.code(), Some(0));
}

#[test]
fn fmt_writes_nothing_when_one_of_the_files_is_broken() {
    let folder = scratch("fmt-broken");
    let (untidy, broken) = (folder.join("untidy.toml"), folder.join("broken.toml"));
    std::fs::write(&untidy, "a=1\n").unwrap();
    std::fs::write(&broken, "a=\n").unwrap();
    let output = run(&["fmt", untidy.to_str().unwrap(), broken.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&untidy).unwrap(), "a=1\n");
}
