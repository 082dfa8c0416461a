//! `understudy-sim`: replays outages against the engine's own core, and drills them with its real processes.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
