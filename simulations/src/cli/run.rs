//! `run`: one scenario in full, or all of them in a table.

use std::io::IsTerminal;
use std::thread;

use understudy_policies::Policy;
use understudy_simulations::render;
use understudy_simulations::report::Report;
use understudy_simulations::run::run as replay;
use understudy_simulations::scenario::Scenario;

use super::input::{self, Refusal};
use super::summary::Summary;
use super::{Answer, RunArguments, SEED, output};

pub(super) fn run(arguments: &RunArguments) -> Result<Answer, Refusal> {
    match &arguments.scenario {
        Some(name) => run_one(arguments, name),
        None => run_all(arguments),
    }
}

fn run_one(arguments: &RunArguments, name: &str) -> Result<Answer, Refusal> {
    let scenario = input::scenario(name)?;
    let policy = input::policy(arguments.policy.as_deref(), &scenario.policy)?;
    let report = replay(&scenario, &policy, seed(arguments, &scenario));
    if arguments.json {
        output::print_json(&report)?;
    } else {
        let siblings = siblings(&scenario)?;
        output::print(&format!("{}{siblings}", render::run(&report, output::look())))?;
    }
    Ok(answer([&report]))
}

/// The seed that was asked for, or the scenario's own.
fn seed(arguments: &RunArguments, scenario: &Scenario) -> u64 {
    arguments.seed.or(scenario.seed).unwrap_or(SEED)
}

/// What else there is about the same incident: the opposite answer may be right for another order path.
fn siblings(scenario: &Scenario) -> Result<String, Refusal> {
    let scenarios = input::scenarios()?;
    Ok(render::siblings(scenario, &scenarios, output::look()))
}

fn run_all(arguments: &RunArguments) -> Result<Answer, Refusal> {
    let with_policy =
        |scenario: Scenario| Ok((input::policy(arguments.policy.as_deref(), &scenario.policy)?, scenario));
    let runs: Vec<(Policy, Scenario)> = input::scenarios()?
        .into_iter()
        .map(with_policy)
        .collect::<Result<_, Refusal>>()?;
    if std::io::stderr().is_terminal() {
        output::tell(&format!("replaying {} scenarios ...\n", runs.len()));
    }
    // Each run is alone with its seed, so it does not matter which ends first.
    let reports: Vec<Report> = thread::scope(|scope| {
        let start = |(policy, scenario)| scope.spawn(move || replay(scenario, policy, seed(arguments, scenario)));
        let started: Vec<_> = runs
            .iter()
            .map(|(policy, scenario)| start((policy, scenario)))
            .collect();
        let ended = |run: thread::ScopedJoinHandle<'_, Report>| {
            run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        started.into_iter().map(ended).collect()
    });
    if arguments.json {
        output::print_json(&Summary::new(arguments.seed.unwrap_or(SEED), &reports))?;
    } else {
        output::print(&render::table(&reports, output::look()))?;
    }
    Ok(answer(&reports))
}

fn answer<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Answer {
    if reports.into_iter().all(render::is_right) {
        Answer::Fine
    } else {
        Answer::No
    }
}
