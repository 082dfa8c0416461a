//! `understudy-policy`: checks, explains and compares policies.

mod commands;
mod output;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::output::{Answer, Failure};

/// Checks, explains and compares failover policies.
///
/// Exit codes: 0 fine; 1 an invalid policy (or, with `fmt --check`, an untidy one); 2 wrong usage or unreadable input; 3 standard output could not be written.
#[derive(Debug, Parser)]
#[command(name = "understudy-policy", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Write one JSON object on standard output, and everything else on standard error.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check policies: their form, then what they mean.
    ///
    /// Every finding names a rule; `explain CODE` says why the rule is there. Errors refuse a policy, warnings and
    /// notes do not.
    Check {
        /// The policy files; `-` reads standard input.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Explain a rule's code, such as UP301, or a key, such as lease.ttl.
    Explain {
        /// The code or the key.
        subject: String,
    },
    /// Show where the 60 seconds go: per phase at best, in the middle, at the 99th percentile, and at worst.
    ///
    /// Both figures of the promise are counted from the onset of the fault: orders accepted again, and orders
    /// processed again.
    Budget {
        /// The policy file; `-` reads standard input.
        file: PathBuf,
    },
    /// Say what changes for the platform when one policy takes another's place.
    Diff {
        /// The policy that is in force.
        from: PathBuf,
        /// The policy that would take its place.
        to: PathBuf,
    },
    /// Print the JSON Schema of a policy file, for editors.
    Schema,
    /// Lay policy files out alike, in place. Values and comments stay as they are.
    Fmt {
        /// The policy files; `-` reads standard input and writes standard output.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Write nothing; exit with 1 if a file would change.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let Arguments { command, json } = Arguments::parse();
    let answer = match command {
        Command::Check { files } => commands::check(&files),
        Command::Explain { subject } => commands::explain(&subject),
        Command::Budget { file } => commands::budget(&file),
        Command::Diff { from, to } => commands::diff(&from, &to),
        Command::Schema => commands::schema(),
        Command::Fmt { files, check } => commands::fmt(&files, check),
    };
    match answer {
        Ok(answer) => answer.print(json),
        Err(failure) => failure.print(json),
    }
}
