//! What is thrown at the program by mistake: it says what is wrong and what to do, exits with 2, and changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use understudy_provisioner::deployment::EXAMPLE;

/// A folder of one test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rubbish-{test}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_understudy-provisioner"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        // Whoever asks somebody all the same gets no answer.
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .output()
        .expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The program refuses, and says all of these words.
fn refused(arguments: &[&str], words: &[&str]) {
    let output = run(arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    for word in words {
        assert!(said.contains(word), "{arguments:?} does not say `{word}`: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A deployment file with one text changed for another.
fn changed(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

#[test]
fn no_deployment_file_but_something_else() {
    let folder = folder("deployment");
    let file = |name: &str, content: &[u8]| write(&folder, name, content);
    let unset = changed("instances = 2\n", "");
    let text = changed("instances = 2", "instances = \"two\"");
    let unknown = changed("instances = 2", "instances = 2\ninstance = 3");
    let twice = changed("instances = 2", "instances = 2\ninstances = 3");
    let table = changed("[api]", "[api");
    let list = changed("recipients = [\"operators@example.com\"]", "recipients = []");
    let cases: Vec<(String, Vec<&str>)> = vec![
        (
            file("empty.toml", b""),
            vec!["UD004", "`version`", "`account`", "`network`"],
        ),
        (folder.to_str().unwrap().to_owned(), vec!["is a directory; name a file"]),
        (
            file("binary.toml", b"\x7fELF\x02\x01\xff\xfe\x00"),
            vec!["is not UTF-8 text (byte 6)"],
        ),
        (file("huge.toml", &vec![b'#'; 2 << 20]), vec!["larger than 1 MiB"]),
        (file("template.toml", b"{\"Resources\": {}}"), vec!["UD001"]),
        (
            file("unset.toml", unset.as_bytes()),
            vec!["UD004", "`database` lacks `instances`"],
        ),
        (
            file("text.toml", text.as_bytes()),
            vec!["UD005", "`database.instances`", "whole number"],
        ),
        (
            file("unknown.toml", unknown.as_bytes()),
            vec!["UD003", "`database.instance`", "`instances`"],
        ),
        (file("twice.toml", twice.as_bytes()), vec!["UD002"]),
        (file("table.toml", table.as_bytes()), vec!["UD001", "table.toml"]),
        (file("list.toml", list.as_bytes()), vec!["UD006", "`recipients`"]),
        ("/dev/null".to_owned(), vec!["UD004"]),
        (
            folder.join("absent.toml").to_str().unwrap().to_owned(),
            vec!["cannot read", "absent.toml"],
        ),
    ];
    for (file, words) in cases {
        for command in [
            vec!["synth", "--env", "dev1", "--out", "target/never", "--deployment", &file],
            vec!["plan", "--env", "dev1", "--deployment", &file],
        ] {
            refused(&command, &words);
        }
    }
    assert!(!Path::new(env!("CARGO_MANIFEST_DIR")).join("target/never").exists());
}

#[test]
fn each_mistake_in_a_deployment_file_comes_with_its_way_out() {
    let folder = folder("mistakes");
    let cases = [
        (
            "\"orders.example.com\"",
            "\"orders.example.org\"",
            ["UD401", "write a name that ends with `.example.com`"],
        ),
        (
            "\"10.21.0.0/16\"",
            "\"10.20.0.0/16\"",
            ["UD201", "take ranges that have no address in common"],
        ),
        ("\"000000000000\"", "\"123\"", ["UD009", "12 digits"]),
        ("\"16.11\"", "\"sixteen\"", ["UD009", "`16.11`"]),
        ("logs-days = 400", "logs-days = 401", ["UD006", "write 545"]),
        (
            "{region}.amazonaws",
            "us-east-1.amazonaws",
            ["UD403", "write `{region}` in the place of `us-east-1`"],
        ),
        (
            "environment = \"dev1\"",
            "environment = \"prod\"",
            ["UD101", "say `--env prod`"],
        ),
    ];
    for (from, to, words) in cases {
        let file = write(&folder, "deployment.toml", changed(from, to));
        refused(&["plan", "--env", "dev1", "--deployment", &file], &words);
    }
    let long = changed("environment = \"dev1\"", "environment = \"a-long-suffix-16\"");
    let file = write(&folder, "long.toml", long);
    let policy = include_str!("../../../policies/trading.toml");
    let far = write(
        &folder,
        "far.toml",
        policy.replacen("\"us-east-2\"", "\"ap-southeast-2\"", 1),
    );
    let long = [
        "plan",
        "--env",
        "a-long-suffix-16",
        "--deployment",
        &file,
        "--policy",
        &far,
    ];
    refused(&long, &["UD102", "letters too long", "take a suffix that is"]);
    for (from, to, words) in [
        ("\"us-east-1\"", "\"us-east-9\"", ["UD301", "did you mean `us-east-1`"]),
        (
            "\"us-east-1\"",
            "\"us-east-2\"",
            ["UP803", "name three different regions"],
        ),
        ("\"us-east-2\"", "\"us-gov-west-1\"", ["UD303", "of one partition"]),
    ] {
        let file = write(&folder, "policy.toml", policy.replacen(from, to, 1));
        refused(&["plan", "--env", "dev1", "--policy", &file], &words);
    }
}

#[test]
fn no_template_but_something_else() {
    let folder = folder("template");
    let file = |name: &str, content: &[u8]| write(&folder, name, content);
    let good = "examples/clean/primary.yaml";
    let cases: Vec<(String, &str)> = vec![
        (file("empty.yaml", b""), "the file is empty"),
        (folder.to_str().unwrap().to_owned(), "is a directory; name a file"),
        (file("binary.json", b"PK\x03\x04\xff\xfe"), "is not UTF-8 text (byte 4)"),
        (file("huge.json", &vec![b' '; 2 << 20]), "larger than 1 MiB"),
        ("/dev/zero".to_owned(), "larger than 1 MiB"),
        (file("list.json", b"[]"), "is none"),
        (file("text.json", b"\"Resources\""), "is none"),
        (
            file("other.json", b"{\"name\": \"cdk\", \"version\": \"1\"}"),
            "Is it a template of CloudFormation?",
        ),
        (file("resources.json", b"{\"Resources\": []}"), "this has none"),
        (
            file("nothing.json", b"{\"Resources\": {}}"),
            "there is no resource in this template",
        ),
        (
            file("number.json", b"{\"Resources\": {\"A\": 5}}"),
            "the resource `A` has no `Type`",
        ),
        (
            file("untyped.json", b"{\"Resources\": {\"A\": {}}}"),
            "the resource `A` has no `Type`",
        ),
        (file("half.json", b"{\"Resources\": {\"A\": "), "half.json:1:"),
    ];
    for (bad, word) in cases {
        refused(&["lint", "--primary", good, "--standby", &bad], &[word]);
        refused(&["lint", "--primary", &bad, "--standby", good], &[word]);
    }
    let again = "examples/clean/../clean/primary.yaml";
    refused(
        &[
            "lint",
            "--primary",
            good,
            "--primary",
            again,
            "--standby",
            "examples/clean/standby.yaml",
        ],
        &["us-east-1 is given", "twice", "name each template once"],
    );
    // One file for both sides is what tools write that know no region.
    let same = run(&["lint", "--primary", good, "--standby", good]);
    assert_ne!(same.status.code(), Some(2), "{}", said(&same));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let output = run(&["synth", "--env", "dev1", "--out", "/proc/no/such/folder"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(
        said(&output).contains("cannot write `/proc/no/such/folder"),
        "{}",
        said(&output)
    );
    let folder = folder("out");
    let file = write(&folder, "file", "");
    refused(
        &["synth", "--env", "dev1", "--out", &file],
        &["is a file: name a folder"],
    );
}

/// A folder never holds a template that looks current and is not.
#[test]
fn templates_of_an_earlier_run_go_and_those_of_somebody_else_stay() {
    let folder = folder("stale");
    let out = folder.to_str().unwrap();
    let names = |end: &str| -> Vec<String> {
        let all = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut all: Vec<String> = all
            .map(|name| name.into_string().unwrap())
            .filter(|name| name.ends_with(end))
            .collect();
        all.sort();
        all
    };
    let synth = |environment: &str| run(&["synth", "--env", environment, "--out", out]);
    assert_eq!(synth("dev1").status.code(), Some(0));
    let first = names(".template.json");
    assert!(
        first.iter().all(|name| name.starts_with("understudy-dev1-")),
        "{first:?}"
    );
    write(&folder, "machines/eu-west-1-failover.asl.json", "{}");
    let notes = write(&folder, "notes.txt", "mine");

    assert_eq!(synth("dev2").status.code(), Some(0));
    let second = names(".template.json");
    assert_eq!(second.len(), first.len());
    assert!(
        second.iter().all(|name| name.starts_with("understudy-dev2-")),
        "{second:?}"
    );
    assert_eq!(fs::read_dir(folder.join("machines")).unwrap().count(), 4);
    assert!(Path::new(&notes).exists());

    for (name, content) in [
        ("Orders.template.json", "{}"),
        ("manifest.json", "{\"version\": \"36.0.0\"}"),
    ] {
        let before = fs::read(folder.join(name)).ok();
        write(&folder, name, content);
        refused(
            &["synth", "--env", "dev3", "--out", out],
            &[name, "is none of ours", "name another folder"],
        );
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), content);
        assert!(names(".template.json").iter().all(|name| !name.contains("dev3")));
        match before {
            Some(before) => drop(write(&folder, name, before)),
            None => fs::remove_file(folder.join(name)).unwrap(),
        }
    }
    assert_eq!(synth("dev3").status.code(), Some(0));
}
