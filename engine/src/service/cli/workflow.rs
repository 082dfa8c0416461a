//! `workflow show`: failover and failback as they are executed.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::print;
use super::text;
use crate::service::operators::steps;
use crate::workflow::{FAILBACK, FAILOVER};

#[derive(Debug, Args)]
pub(super) struct WorkflowArguments {
    #[command(subcommand)]
    command: WorkflowCommand,
}

#[derive(Debug, Subcommand)]
enum WorkflowCommand {
    /// Shows the steps of failover and failback: in which state, after what, for how long, and what a failure leads to.
    Show {
        /// Answers with one JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(arguments: &WorkflowArguments) -> ExitCode {
    let WorkflowCommand::Show { json } = arguments.command;
    let (failover, failback) = (steps(&FAILOVER), steps(&FAILBACK));
    let answer = if json {
        format!("{:#}\n", json!({ "failover": failover, "failback": failback }))
    } else {
        format!(
            "{}\n{}",
            text::workflow("Failover", &failover),
            text::workflow("Failback", &failback)
        )
    };
    match print(&answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(unanswered) => unanswered.tell(false),
    }
}
