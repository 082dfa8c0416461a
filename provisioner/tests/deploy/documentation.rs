//! The commands of docs/deploying-the-platform.md, as they stand there; only the port is another.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

/// Ends what the block started in the background, and nothing else.
const BEFORE: &str = "set -eux\ntrap 'kill $(jobs -p); wait' EXIT\n";

#[test]
fn the_commands_of_the_page_work() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/deploying-the-platform.md")).unwrap();
    let blocks = page.split("<!-- tested -->\n```sh\n").skip(1);
    let script: String = blocks.filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(
        script.matches("target/release/understudy-provisioner").count(),
        5,
        "{script}"
    );
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = script
        .replace(
            "target/release/understudy-provisioner",
            env!("CARGO_BIN_EXE_understudy-provisioner"),
        )
        .replace("PORT=4570", &format!("PORT={port}"));
    let ran = Command::new("timeout")
        .args(["240", "bash", "-c", &format!("{BEFORE}{script}")])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, steps) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(ran.status.success(), "{said}\n{steps}");
    for line in [
        "LEFT OUT: AWS::EC2::NatGateway",
        "synchronized: ",
        "nothing drifted",
        "parts removed, 0 things kept",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}
