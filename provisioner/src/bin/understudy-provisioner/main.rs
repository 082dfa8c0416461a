//! `understudy-provisioner`: what exists in AWS.

mod deploy;
mod lint;
mod output;
mod synth;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Creates and checks the resources of a platform in two regions.
///
/// Exit codes: 0 fine; 1 the answer is no (`lint`: findings; `verify`, `apply`: not synchronized; `drift`: drifted); 2 wrong usage
/// or unreadable input; 3 something outside failed; 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "understudy-provisioner", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Write one JSON object on standard output, and everything else on standard error.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the CloudFormation templates of both regions and the state machines' definitions, and lint them.
    ///
    /// Asks nobody anything, and writes the same bytes for the same files. Exits 1 if the linter finds anything.
    Synth(synth::Arguments),
    /// Compare the CloudFormation templates of both regions, and say what would keep one from taking over from the other.
    ///
    /// Reads JSON and YAML, from whatever tool. What only AWS knows before deployment is never guessed.
    Lint(Box<lint::Arguments>),
    /// Say what `apply` would change in both regions, and change nothing.
    Plan(Box<deploy::Common>),
    /// Make both regions what the files say, in one order, and verify them. Safe to interrupt and to run again.
    Apply(Box<deploy::Apply>),
    /// Check, point by point, that both regions are synchronized. Writes probes, and takes them away again.
    Verify(Box<deploy::Common>),
    /// Say what somebody changed by hand.
    Drift(Box<deploy::Common>),
    /// Remove everything of an environment; data only with `--delete-data`.
    Destroy(Box<deploy::Destroy>),
    /// Explain a rule of the linter by its code, such as UL101; without a code, list them all.
    Explain {
        /// The code.
        code: Option<String>,
    },
}

fn main() -> ExitCode {
    let Arguments { command, json } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(wrong) => return output::wrong_usage(&wrong),
    };
    let answer = match command {
        Command::Synth(arguments) => synth::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Plan(common) => deploy::run_plan(&common),
        Command::Apply(arguments) => deploy::run_apply(&arguments),
        Command::Verify(common) => deploy::run_verify(&common),
        Command::Drift(common) => deploy::run_drift(&common),
        Command::Destroy(arguments) => deploy::run_destroy(&arguments),
        Command::Explain { code } => lint::explain(code.as_deref()),
    };
    match answer {
        Ok(answer) => answer.print(json),
        Err(failure) => failure.print(json),
    }
}
