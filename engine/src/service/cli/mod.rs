//! The command line of `understudy-engine`. In the library, so that a drill can run the very same program.

#[cfg(feature = "aws")]
mod create_lease;
mod run;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0    fine
  1    the answer is no
  2    wrong usage or unreadable input
  3    something outside failed
  130  interrupted";

/// The failover engine: a sidecar that watches two AWS regions and moves the platform when one is lost.
#[derive(Debug, Parser)]
#[command(name = "understudy-engine", version, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a sidecar, or the observer, until it is told to end.
    Run(run::RunArguments),
    /// Makes the lease item of a new platform, in which the home region holds epoch 1. Once: it never replaces one.
    #[cfg(feature = "aws")]
    CreateLease(create_lease::CreateLeaseArguments),
}

/// Reads a command line, does what it says, and answers.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match CommandLine::parse_from(arguments).command {
        Command::Run(arguments) => run::run(&arguments),
        #[cfg(feature = "aws")]
        Command::CreateLease(arguments) => create_lease::create_lease(&arguments),
    }
}
