//! `understudy-sim`: replays outages against the engine's own core.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
