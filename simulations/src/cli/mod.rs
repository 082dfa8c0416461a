//! The command line: what it takes, and what it answers with.
//!
//! Standard output carries the answer and nothing else; everything else goes to standard error.

mod input;
mod output;
mod run;
mod scenarios;
mod summary;

use std::process::ExitCode;

use clap::{ArgGroup, Args, Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0    fine
  1    a run is wrong: not the stated decision, over the budget where the
       scenario demands that it is kept, or an invariant broken
  2    wrong usage or unreadable input
  3    something outside failed, such as the disk that takes the answer
  130  interrupted";

/// Replays outages against the engine's own core, in virtual time.
#[derive(Debug, Parser)]
#[command(name = "understudy-sim", version, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replays an outage: what was decided and why, where the 60 seconds went, and whether it was right.
    Run(RunArguments),
    /// Lists the shipped scenarios, with the decision that each is judged against.
    Scenarios(ScenariosArguments),
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, group = ArgGroup::new("which").required(true).args(["scenario", "all"]))]
struct RunArguments {
    /// A shipped scenario's name, or a scenario file (`-`: standard input).
    #[arg(value_name = "SCENARIO|FILE.toml")]
    scenario: Option<String>,
    /// Replays every shipped scenario and prints expected and actual side by side.
    #[arg(long)]
    all: bool,
    /// The seed of everything random. The same seed gives the same run, byte for byte. Left out: the scenario's own, or 1.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A policy file, or a shipped policy's name, instead of the one that the scenario names.
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,
    /// Prints one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ScenariosArguments {
    /// Prints one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

/// The seed of a scenario that names none.
const SEED: u64 = 1;

/// What a command found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Everything is as it ought to be.
    Fine,
    /// The answer is no.
    No,
}

/// Reads the command line, does what it says, and answers.
pub(crate) fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    let (answer, json) = match &command {
        Command::Run(arguments) => (run::run(arguments), arguments.json),
        Command::Scenarios(arguments) => (scenarios::scenarios(arguments), arguments.json),
    };
    match answer {
        Ok(Answer::Fine) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(refusal) => {
            refusal.tell();
            if json {
                // Whoever reads an object gets one. If even that cannot be written, the exit code still tells.
                drop(output::print_json(&serde_json::json!({ "error": refusal.to_string() })));
            }
            ExitCode::from(refusal.exit_code())
        }
    }
}
