//! The commands of docs/aws.md, as they stand there; only the ports are others.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::ports::free_port;

/// What asks a running sidecar.
const ASKING: [&str; 7] = ["status", "why", "pause", "resume", "disarm", "arm", "history"];
/// Ends what the blocks started in the background, and nothing else, and removes what they made.
const BEFORE: &str = "set -eux\ntrap 'kill $(jobs -p); wait; rm -rf \"${WORK:-/nonexistent}\"' EXIT\n";

/// The blocks after `<!-- tested -->`, one after the other.
fn tested(text: &str) -> String {
    let blocks = text.split("<!-- tested -->\n```sh\n").skip(1);
    blocks.filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_commands_of_the_page_work() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/aws.md")).unwrap();
    let [emulator, operators, peers] = [(); 3].map(|()| free_port());
    let engine = env!("CARGO_BIN_EXE_understudy-engine");
    let mut script = tested(&page);
    assert_eq!(
        script.matches("target/release/understudy-engine").count(),
        9,
        "{script}"
    );
    for command in ASKING {
        let here = format!("understudy-engine {command}");
        script = script.replace(&here, &format!("{here} --address http://127.0.0.1:{operators}"));
    }
    let script = script
        .replace("target/release/understudy-engine", engine)
        .replace("PORT=4570", &format!("PORT={emulator}"))
        .replace("127.0.0.1:7070", &format!("127.0.0.1:{operators}"))
        .replace("127.0.0.1:7443", &format!("127.0.0.1:{peers}"));
    let ran = Command::new("timeout")
        .args(["120", "bash", "-c", &format!("{BEFORE}{script}")])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, steps) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(ran.status.success(), "{said}\n{steps}");
    assert!(said.contains("us-east-1"), "{said}");
}
