//! `status`, `why` and `history`.

use std::process::ExitCode;

use clap::Args;

use super::client::{Reach, client, wait};
use super::text;

#[derive(Debug, Args)]
#[command(after_help = super::EXIT_CODES)]
pub(super) struct Status {
    #[command(flatten)]
    reach: Reach,
    /// Asks only whether it is ready: whether it has found its place, reads the lease and writes its journal. Exit code 1
    /// if not.
    #[arg(long)]
    ready: bool,
}

#[derive(Debug, Args)]
#[command(after_help = super::EXIT_CODES)]
pub(super) struct Why {
    #[command(flatten)]
    reach: Reach,
    /// Every guard of every decision, and every witness.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
#[command(after_help = super::EXIT_CODES)]
pub(super) struct HistoryArguments {
    #[command(flatten)]
    reach: Reach,
    /// How far back: `90m`, `24h`, `7d`. A day if left out; four weeks with `--shadow`.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    since: Option<String>,
    /// Adds up what an armed engine would have done, the near misses, and the noisy witnesses.
    #[arg(long)]
    shadow: bool,
}

pub(super) fn status(arguments: &Status) -> ExitCode {
    if arguments.ready {
        return ready(&arguments.reach);
    }
    ask(&arguments.reach, "v1/status", text::status)
}

fn ready(reach: &Reach) -> ExitCode {
    let answered = wait(async {
        let request = client()?.get(reach.at("readyz")?);
        reach.exchange(request).await
    });
    let shown = answered.and_then(|answer| {
        let is_ready = answer.status == 200;
        reach.show(answer, text::health).map(|()| is_ready)
    });
    match shown {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(unanswered) => unanswered.tell(reach.json),
    }
}

pub(super) fn why(arguments: &Why) -> ExitCode {
    ask(&arguments.reach, "v1/why", |answer| text::why(answer, arguments.all))
}

pub(super) fn history(arguments: &HistoryArguments) -> ExitCode {
    let since = arguments.since.as_ref().map(|since| format!("since={since}"));
    let query = since
        .into_iter()
        .chain(arguments.shadow.then(|| "shadow=true".to_owned()));
    let path = format!("v1/history?{}", query.collect::<Vec<_>>().join("&"));
    if arguments.shadow {
        ask(&arguments.reach, &path, text::shadow)
    } else {
        ask(&arguments.reach, &path, text::history)
    }
}

fn ask<T: serde::de::DeserializeOwned>(reach: &Reach, path: &str, text: impl FnOnce(&T) -> String) -> ExitCode {
    let answered = wait(async {
        let request = client()?.get(reach.at(path)?);
        reach.send(request).await
    });
    match answered.and_then(|answer| reach.show(answer, text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(unanswered) => unanswered.tell(reach.json),
    }
}

/// A span that the policy's grammar knows, as it was written.
fn span(text: &str) -> Result<String, String> {
    understudy_policies::duration::parse(text).map(|_| text.to_owned())
}
