//! The command line of `understudy-engine`. In the library, so that a drill can run the very same program.

mod ask;
mod change;
mod client;
#[cfg(feature = "aws")]
mod create_lease;
mod run;
mod text;
mod workflow;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

const EXIT_CODES: &str = "\
Exit codes:
  0    fine
  1    the answer is no: the engine refuses, and says which guard or state does
  2    wrong usage or unreadable input
  3    something outside failed: no sidecar answers
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
    Run(Box<run::RunArguments>),
    /// Makes the lease item of a new platform, in which the home region holds epoch 1. Once: it never replaces one.
    #[cfg(feature = "aws")]
    CreateLease(create_lease::CreateLeaseArguments),
    /// Shows a sidecar as it stands, and what needs you.
    Status(ask::Status),
    /// Shows why the engine did what it did, and why it does not do otherwise now.
    Why(ask::Why),
    /// Shows what was written down.
    History(ask::HistoryArguments),
    /// Stops role changes of one sidecar. Renewals go on.
    Pause(change::Change),
    /// Allows role changes again.
    Resume(change::Change),
    /// Lets a sidecar act on its decisions.
    Arm(change::Change),
    /// Lets a sidecar only record its decisions.
    Disarm(change::Change),
    /// Fails over to the region of the sidecar that is asked, evidence or not.
    Failover(change::Failover),
    /// Brings the platform home from the region of the sidecar that is asked.
    Failback(change::Change),
    /// Agrees to what the engine is waiting for.
    Approve(change::Change),
    /// Takes note of what the engine asked, and lets it go on from where the platform is.
    Acknowledge(change::Change),
    /// Shows the two workflows.
    Workflow(workflow::WorkflowArguments),
    /// Writes the completions of a shell to standard output.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Reads a command line, does what it says, and answers.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    use crate::service::operators::shapes::CommandName;
    match CommandLine::parse_from(arguments).command {
        Command::Run(arguments) => run::run(&arguments),
        #[cfg(feature = "aws")]
        Command::CreateLease(arguments) => create_lease::create_lease(&arguments),
        Command::Status(arguments) => ask::status(&arguments),
        Command::Why(arguments) => ask::why(&arguments),
        Command::History(arguments) => ask::history(&arguments),
        Command::Pause(arguments) => change::make(&arguments, CommandName::Pause, false),
        Command::Resume(arguments) => change::make(&arguments, CommandName::Resume, false),
        Command::Arm(arguments) => change::make(&arguments, CommandName::Arm, false),
        Command::Disarm(arguments) => change::make(&arguments, CommandName::Disarm, false),
        Command::Failover(arguments) => change::make(&arguments.change, CommandName::Failover, arguments.accept_loss),
        Command::Failback(arguments) => change::make(&arguments, CommandName::Failback, false),
        Command::Approve(arguments) => change::make(&arguments, CommandName::Approve, false),
        Command::Acknowledge(arguments) => change::make(&arguments, CommandName::Acknowledge, false),
        Command::Workflow(arguments) => workflow::run(&arguments),
        Command::Completions { shell } => {
            let mut command = CommandLine::command();
            clap_complete::generate(shell, &mut command, "understudy-engine", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
    }
}
