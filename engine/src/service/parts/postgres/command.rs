//! The operator's own commands for what no SQL can do: stopping a server in order, and rebuilding one.
//!
//! They are run without a shell, with their standard input closed, for a bounded time; what they say is logged, the end
//! of it. They are told `UNDERSTUDY_REGION` and `UNDERSTUDY_DATABASE` of the server that they are about, and
//! `UNDERSTUDY_WRITER` of the one that it is to follow, as addresses without passwords. Both must be safe to run twice.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStderr, ChildStdout};
use tracing::{error, info};

use super::address_of;
use crate::core::ids::Region;
use crate::service::clock::Clock;
use crate::service::given::PREFIX;
use crate::service::platform::Platform;

/// As much of what a command says is kept.
const KEPT_BYTES: usize = 4096;

/// One command of the platform file.
#[derive(Debug, Clone)]
pub(super) struct Command {
    words: Vec<String>,
    region: &'static str,
    database: String,
    writer: String,
}

impl Command {
    /// None: the platform file names none.
    pub(super) fn of(words: &[String], platform: &Platform, region: Region) -> Option<Self> {
        (!words.is_empty()).then(|| Self {
            words: words.to_vec(),
            region: match region {
                Region::Home => "primary",
                Region::Away => "standby",
            },
            database: address_of(platform, region),
            writer: address_of(platform, region.other()),
        })
    }

    /// Runs it. True: it says that it is done.
    pub(super) async fn run(&self, clock: Clock, limit: Duration) -> bool {
        let name = self.words.first().map_or("", String::as_str);
        info!(command = name, region = self.region, "running the command");
        let mut command = tokio::process::Command::new(name);
        // What this process was given may hold tokens and passwords, and is none of the command's.
        for (given, _) in std::env::vars_os().filter(|(given, _)| given.to_string_lossy().starts_with(PREFIX)) {
            command.env_remove(given);
        }
        command
            .args(self.words.iter().skip(1))
            .env("UNDERSTUDY_REGION", self.region)
            .env("UNDERSTUDY_DATABASE", &self.database)
            .env("UNDERSTUDY_WRITER", &self.writer)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(because) => {
                error!(command = name, %because, "the command cannot be run; mend it in the platform file");
                return false;
            }
        };
        // Read on tasks of their own: whoever the command leaves running may hold the other end of a pipe open.
        let said = (child.stdout.take(), child.stderr.take());
        let said = tokio::spawn(end_of(said.0, said.1));
        let status = tokio::time::timeout(clock.real_span(limit), child.wait()).await;
        let said = tokio::time::timeout(Duration::from_secs(1), said).await;
        let said = said.ok().and_then(Result::ok).unwrap_or_default();
        match status {
            Ok(Ok(status)) if status.success() => {
                info!(command = name, said, "the command is done");
                true
            }
            Ok(Ok(status)) => {
                error!(command = name, %status, said, "the command failed");
                false
            }
            Ok(Err(because)) => {
                error!(command = name, %because, "the command was lost");
                false
            }
            Err(_) => {
                error!(
                    command = name,
                    ?limit,
                    said,
                    "the command took too long, and was killed"
                );
                false
            }
        }
    }
}

/// The end of what a command says, both channels.
async fn end_of(out: Option<ChildStdout>, err: Option<ChildStderr>) -> String {
    let (out, err) = tokio::join!(tail(out), tail(err));
    let mut said = String::from_utf8_lossy(&out).into_owned();
    said.push_str(&String::from_utf8_lossy(&err));
    said.trim().to_owned()
}

async fn tail(from: Option<impl tokio::io::AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return kept };
    let mut piece = [0; KEPT_BYTES];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        kept.extend_from_slice(&piece[..read]);
        let over = kept.len().saturating_sub(KEPT_BYTES);
        kept.drain(..over);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: &str = "UNDERSTUDY_TOKEN";

    #[expect(clippy::disallowed_methods, reason = "it is what the test is about")]
    fn inside() -> bool {
        std::env::var_os(WITHIN).is_some()
    }

    /// The environment is the process's own and is set from outside, so the half that looks runs in a process of its own.
    #[tokio::test]
    async fn a_command_does_not_inherit_what_the_engine_was_given() {
        if inside() {
            let look = "test -z \"$UNDERSTUDY_TOKEN\" && test -n \"$PATH\" && test \"$UNDERSTUDY_REGION\" = primary";
            let command = Command {
                words: ["sh", "-c", look].map(str::to_owned).to_vec(),
                region: "primary",
                database: String::new(),
                writer: String::new(),
            };
            assert!(command.run(Clock::real(), Duration::from_secs(60)).await);
            return;
        }
        let name = "service::parts::postgres::command::tests::a_command_does_not_inherit_what_the_engine_was_given";
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(WITHIN, "0123456789abcdef")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
    }
}
