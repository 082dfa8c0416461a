//! An emulator of AWS: started by a test on a free port of the loopback interface, and stopped with it.
//!
//! `scripts/test emulators` installs them under `target/emulators`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Url;

use crate::ports::free_port;

/// An emulator starts in about a second; a busy machine may need longer.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Ports that somebody else took between finding and using them.
const TRIES_MAX: usize = 5;

/// A running emulator.
#[derive(Debug)]
pub(crate) struct Emulator {
    child: Child,
    port: u16,
}

impl Emulator {
    /// ministack: every service, each region apart.
    pub(crate) fn ministack() -> Self {
        Self::start("ministack", "/_ministack/health", |command, port| {
            command
                .env("GATEWAY_PORT", port.to_string())
                .env("BIND_HOST", "127.0.0.1")
                .env("LOG_LEVEL", "WARNING");
        })
    }

    /// moto, of which only EventBridge and SQS are used: it forwards events from one region to the other.
    pub(crate) fn moto(account: &str) -> Self {
        Self::start("moto_server", "/moto-api/data.json", |command, port| {
            command
                .args(["-H", "127.0.0.1", "-p", &port.to_string()])
                .env("MOTO_ACCOUNT_ID", account);
        })
    }

    fn start(program: &str, health: &str, arrange: impl Fn(&mut Command, u16)) -> Self {
        let path = folder().join("bin").join(program);
        assert!(
            path.exists(),
            "{} is missing; `scripts/test emulators` installs it",
            path.display()
        );
        for _ in 0..TRIES_MAX {
            let port = free_port();
            let mut command = Command::new(&path);
            arrange(&mut command, port);
            let child = command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut emulator = Self { child, port };
            if emulator.becomes_ready(health) {
                return emulator;
            }
        }
        panic!("{program} does not start; run it by hand to see why");
    }

    fn becomes_ready(&mut self, health: &str) -> bool {
        let began = Instant::now();
        while began.elapsed() < START_TIMEOUT {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if self.answers(health).unwrap_or(false) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    fn answers(&self, health: &str) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(
            stream,
            "GET {health} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer == *b"HTTP/1.1 200")
    }

    /// Where it is.
    pub(crate) fn url(&self) -> Url {
        format!("http://127.0.0.1:{}/", self.port).parse().unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to stop.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/emulators/venv")
}
