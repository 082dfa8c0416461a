//! An emulator, and the script that runs machines in it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use understudy_policies::Policy;

use crate::{made, with_method};

/// How fast an emulator waits: as the definitions say, or faster.
pub(crate) const AS_SAID: &str = "1";
/// A hundred times faster: of waits and retries, not of what is called.
pub(crate) const FAST: &str = "0.01";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A running emulator, stopped with the test.
struct Emulator {
    child: Child,
    port: u16,
}

impl Emulator {
    fn start(speed: &str) -> Self {
        let program = root().join("target/emulators/venv/bin/ministack");
        assert!(
            program.exists(),
            "{} is missing; `scripts/test emulators` installs it",
            program.display()
        );
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(program)
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("LOG_LEVEL", "WARNING")
            .env("SFN_WAIT_SCALE", speed)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let emulator = Self { child, port };
        let began = Instant::now();
        while !emulator.answers().unwrap_or(false) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the emulator does not start; run it by hand to see why"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        emulator
    }

    fn answers(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(
            stream,
            "GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer == *b"HTTP/1.1 200")
    }

    fn python(&self, script: &Path, arguments: &[&str]) -> String {
        let output = Command::new(root().join("target/emulators/venv/bin/python"))
            .arg(script)
            .arg(format!("http://127.0.0.1:{}", self.port))
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to stop.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the script saw of each execution of a scenario.
pub(crate) fn run(method: &str, scenario: &str, speed: &str) -> Value {
    run_under(&with_method(method), scenario, speed)
}

/// The same, under another policy.
pub(crate) fn run_under(policy: &Policy, scenario: &str, speed: &str) -> Value {
    let (platform, deployment) = made(policy);
    // Each test process has a folder of its own: two of them may run the same scenario.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{scenario}-{}", std::process::id()));
    for file in platform.files(&deployment) {
        let path = folder.join(&file.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.bytes).unwrap();
    }
    let emulator = Emulator::start(speed);
    emulator.python(&root().join("deploy/emulator/make.py"), &[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines/run.py");
    let machines = folder.join("machines");
    let said = emulator.python(&script, &[machines.to_str().unwrap(), scenario]);
    drop(fs::remove_dir_all(&folder));
    serde_json::from_str(&said).unwrap()
}

pub(crate) fn entered(execution: &Value) -> Vec<&str> {
    let all = execution["entered"].as_array().unwrap().iter();
    all.map(|name| name.as_str().unwrap()).collect()
}

/// How often the function `steps` was asked for a step.
pub(crate) fn asked(execution: &Value, step: &str) -> usize {
    let all = execution["asked"].as_array().unwrap().iter();
    all.filter(|asked| *asked == step).count()
}
