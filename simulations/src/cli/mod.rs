//! The command line: what it takes, and what it answers with.
//!
//! Standard output carries the answer and nothing else; everything else goes to standard error.

mod campaign;
mod drill;
mod drill_postgres;
mod engine;
mod input;
mod output;
mod replay;
mod run;
mod scenarios;
mod shrink;
mod source;
mod summary;

use std::process::ExitCode;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use understudy_simulations::drill::Speed;

const EXIT_CODES: &str = "\
Exit codes:
  0    fine
  1    a run is wrong: not the stated decision, over the budget where the
       scenario demands that it is kept, or an invariant broken; a campaign
       found a broken invariant, a false or a missed failover
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
    /// Plays an outage live: real processes of the engine, real sockets, real clients; AWS stays modelled.
    Drill(DrillArguments),
    /// Runs many timelines, each from its own seed, and adds up what they found.
    Campaign(CampaignArguments),
    /// Tells one timeline of a campaign in full: what was drawn, and what came of it.
    Replay(ReplayArguments),
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
#[command(after_help = EXIT_CODES)]
struct DrillArguments {
    /// A shipped scenario's name, or a scenario file (`-`: standard input).
    #[arg(value_name = "SCENARIO|FILE.toml", default_value = "region-loss")]
    scenario: String,
    /// How many of the drill's seconds pass in a real one: 1 to 400, or `auto`. Left out: 1 for what is short. What is
    /// long runs ten times as fast while something happens, and as fast as the machine can while nothing does (`auto`).
    #[arg(long, value_name = "N", value_parser = drill::speed)]
    speed: Option<Speed>,
    /// The seed of everything modelled. Left out: the scenario's own, or 1.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A policy file, or a shipped policy's name, instead of the one that the scenario names.
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,
    /// Uses two real PostgreSQL servers as the databases, instead of a scenario: needs Debian's package `postgresql`.
    #[arg(long, conflicts_with_all = ["scenario", "speed", "seed"])]
    postgres: bool,
    /// With `--postgres`: what befalls home's server. Left out: each, one after the other.
    #[arg(long, value_name = "FAULT", requires = "postgres", value_parser = drill_postgres::FAULTS)]
    fault: Option<String>,
    /// With `--postgres`: leaves the orders outside the commit fence, to show what is lost without it.
    #[arg(long, requires = "postgres")]
    without_fence: bool,
    /// Where the report goes, a page of HTML; of several drills, the last one's.
    #[arg(long, value_name = "FILE.html", default_value = "drill-report.html")]
    report: PathBuf,
    /// How many drills, one after the other, with what they add up to. With `--postgres`, targets are judged by the
    /// median, losses by the worst.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    repeat: u16,
    /// Prints one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
struct CampaignArguments {
    /// How many timelines.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    timelines: u64,
    /// The seed of the first timeline; the others follow it one by one.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many timelines run at the same time. All cores, if left out. The result does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    cores: Option<u16>,
    #[command(flatten)]
    drawn: DrawnArguments,
    /// Prints one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
struct ReplayArguments {
    /// The seed of the timeline. A campaign names it, with the options that go with it.
    #[arg(value_name = "SEED")]
    seed: u64,
    #[command(flatten)]
    drawn: DrawnArguments,
    /// Shows nothing that happened later than this after the onset, like `90s`.
    #[arg(long, value_name = "DURATION", value_parser = understudy_policies::duration::parse)]
    until: Option<Duration>,
    /// Makes a failing timeline small: leaves out, simplifies and shortens whatever it does not take, and prints what is
    /// left as a scenario file.
    #[arg(long, conflicts_with_all = ["until", "focus"])]
    shrink: bool,
    /// Writes the scenario file there instead of printing it. The scenario is named like the file.
    #[arg(long, value_name = "FILE.toml", requires = "shrink")]
    out: Option<PathBuf>,
    /// Shows what this witness of the policy saw, and where the engines stood, instead of the whole timeline.
    #[arg(long, value_name = "WITNESS")]
    focus: Option<String>,
    /// Prints one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

/// What timelines are drawn from.
#[derive(Debug, Args)]
struct DrawnArguments {
    /// What is drawn.
    #[arg(long, value_enum, value_name = "NAME", default_value_t = WorkloadName::Mixed)]
    workload: WorkloadName,
    /// This scenario instead, with another seed for each timeline and its onset moved within a second.
    #[arg(long, value_name = "SCENARIO|FILE.toml", conflicts_with = "workload")]
    scenario: Option<String>,
    /// A policy file, or a shipped policy's name. `trading`, or what the scenario names, if left out.
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,
    /// How long each timeline is followed from its onset, like `30m`: 20m or more. 30m, or as the scenario says, if left
    /// out.
    #[arg(long, value_name = "DURATION", value_parser = source::horizon)]
    horizon: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WorkloadName {
    /// Noise in which nothing is lost: any failover is false.
    Quiet,
    /// The serving region fails again and again, too shortly for a failover each time: any failover is false.
    Flapping,
    /// One incident that matters, and up to six other faults.
    Outages,
    /// 20 % quiet, 20 % flapping, 60 % outages.
    Mixed,
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
    /// Somebody stopped it. What was done until then is told.
    Interrupted,
}

/// What `Ctrl-C` ends with.
const INTERRUPTED: u8 = 130;

/// Reads the command line, does what it says, and answers.
pub(crate) fn main() -> ExitCode {
    if let Some(code) = engine::main() {
        return code;
    }
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(error) => return wrong_usage(&error),
    };
    let (answer, json) = match &command {
        Command::Run(arguments) => (run::run(arguments), arguments.json),
        Command::Drill(arguments) => (drill::drill(arguments), arguments.json),
        Command::Campaign(arguments) => (campaign::campaign(arguments), arguments.json),
        Command::Replay(arguments) => (replay::replay(arguments), arguments.json),
        Command::Scenarios(arguments) => (scenarios::scenarios(arguments), arguments.json),
    };
    match answer {
        Ok(Answer::Fine) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Ok(Answer::Interrupted) => ExitCode::from(INTERRUPTED),
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

/// Wrong usage, or help. Nothing was parsed, so that whether an object was asked for is looked up in the arguments.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    // Nobody may be there to read it.
    drop(error.print());
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let said = error.render().to_string();
        let said = said.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = said.trim_start_matches("error: ").split_whitespace().collect();
        drop(output::print_json(&serde_json::json!({ "error": words.join(" ") })));
    }
    // 2, or 0 for help.
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}
