//! `replay SEED --shrink`: what it takes for a timeline to fail.

use std::fs;
use std::path::Path;

use serde::Serialize;
use understudy_simulations::campaign::Timeline;
use understudy_simulations::scenario::{Scenario, short_name, write};
use understudy_simulations::shrink::{Shrunk, shrink as make_small};

use super::input::Refusal;
use super::source::Drawn;
use super::{Answer, ReplayArguments, output};

/// What `replay --shrink --json` prints.
#[derive(Debug, Serialize)]
struct ShrinkReport {
    /// The seed of the timeline.
    seed: u64,
    /// What is wrong with it; null: nothing.
    failure: Option<String>,
    /// How many candidates were run.
    runs: u32,
    /// Faults and operations that were drawn.
    drawn: usize,
    /// Those that are left.
    left: usize,
    /// The scenario file.
    file: Option<String>,
}

pub(super) fn shrink(arguments: &ReplayArguments, drawn: &Drawn, timeline: &Timeline) -> Result<Answer, Refusal> {
    let name = match &arguments.out {
        Some(path) => named_like(path)?,
        None => format!("shrunk-{}", arguments.seed),
    };
    let before = pieces(&timeline.scenario);
    let Some(shrunk) = make_small(timeline, &drawn.policy) else {
        return nothing_wrong(arguments, before);
    };
    let moved = shrunk.timeline.digest(&drawn.policy).failovers > 0;
    let scenario = shrunk.scenario(&name, moved);
    let left = pieces(&scenario);
    let comments = comments(arguments, drawn, &shrunk, (before, left));
    let file = write(&scenario, &comments);
    if let Some(path) = &arguments.out {
        fs::write(path, &file).map_err(|error| Refusal::Unwritable {
            path: path.display().to_string(),
            error,
        })?;
    }
    if arguments.json {
        output::print_json(&ShrinkReport {
            seed: arguments.seed,
            failure: Some(shrunk.failure.in_words()),
            runs: shrunk.runs,
            drawn: before,
            left,
            file: Some(file),
        })?;
    } else if let Some(path) = &arguments.out {
        let said = comments.join("\n");
        output::print(&format!("{said}\nwritten to {}\n", path.display()))?;
    } else {
        output::print(&file)?;
    }
    Ok(Answer::No)
}

fn nothing_wrong(arguments: &ReplayArguments, drawn: usize) -> Result<Answer, Refusal> {
    if arguments.json {
        output::print_json(&ShrinkReport {
            seed: arguments.seed,
            failure: None,
            runs: 0,
            drawn,
            left: drawn,
            file: None,
        })?;
    } else {
        output::print(&format!(
            "nothing is wrong with seed {}: there is nothing to shrink\n",
            arguments.seed
        ))?;
    }
    Ok(Answer::Fine)
}

/// What the file is, and where it comes from.
fn comments(
    arguments: &ReplayArguments,
    drawn: &Drawn,
    shrunk: &Shrunk,
    (before, left): (usize, usize),
) -> Vec<String> {
    let mut comments = vec![
        format!("Shows: {}.", shrunk.failure.in_words()),
        format!(
            "Left of {before} faults and operations after {} runs: {left}. Found by",
            shrunk.runs
        ),
        format!("  understudy-sim replay {} {}", arguments.seed, drawn.options),
    ];
    if drawn.policy.name != shrunk.timeline.scenario.policy {
        comments.push(format!(
            "Run it with the policy {}: it is not a shipped one.",
            drawn.policy.name
        ));
    }
    comments
}

fn pieces(scenario: &Scenario) -> usize {
    scenario.faults.len() + scenario.operations.len()
}

fn named_like(path: &Path) -> Result<String, Refusal> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let ending = path.extension().is_some_and(|ending| ending == "toml");
    short_name(stem)
        .ok()
        .filter(|_| ending)
        .ok_or_else(|| Refusal::NoScenarioName {
            path: path.display().to_string(),
        })
}
