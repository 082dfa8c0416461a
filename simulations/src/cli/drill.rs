//! `drill`: the live version of a scenario.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use understudy_simulations::drill::report::DrillReport;
use understudy_simulations::drill::{self, Drill, Failure, Scene, Speed, Stop};
use understudy_simulations::render;

use super::input::{self, Refusal};
use super::{Answer, DrillArguments, SEED, output};

pub(super) fn drill(arguments: &DrillArguments) -> Result<Answer, Refusal> {
    if arguments.postgres {
        return super::drill_postgres::drill(arguments);
    }
    let scenario = input::scenario(&arguments.scenario)?;
    let (policy, text) = input::policy_and_text(arguments.policy.as_deref(), &scenario.policy)?;
    let program = std::env::current_exe().map_err(|error| Refusal::Drill(error.into()))?;
    let drill = Drill {
        scenario: &scenario,
        policy: &policy,
        policy_text: &text,
        seed: arguments.seed.or(scenario.seed).unwrap_or(SEED),
        speed: arguments.speed,
        program,
    };
    let stop = stop_on_interrupt()?;
    let report = match drill::run(&drill, &stop, &mut |scene| show(scene)) {
        Ok(report) => report,
        Err(Failure::Interrupted) => return Ok(Answer::Interrupted),
        Err(failure) => return Err(Refusal::Drill(failure)),
    };
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&render::run(&report.run, output::look()))?;
    }
    Ok(if report.right { Answer::Fine } else { Answer::No })
}

fn show(scene: &Scene) {
    for news in &scene.news {
        output::tell(&format!("{:>9.3}  {}: {}\n", news.at_seconds, news.who, news.text));
    }
}

/// The first Ctrl-C ends the drill and everything that it has started.
pub(super) fn stop_on_interrupt() -> Result<Stop, Refusal> {
    let stop = Stop::new();
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.stop()).map_err(|error| Refusal::Signals(error.to_string()))?;
    Ok(stop)
}

/// A speed as the command line has it.
pub(super) fn speed(text: &str) -> Result<Speed, String> {
    if text == "auto" {
        return Ok(Speed::Adaptive);
    }
    match text.parse::<f64>() {
        Ok(speed) if (1.0..=Speed::MAX).contains(&speed) => Ok(Speed::Fixed(speed)),
        _ => Err(format!("a drill runs at 1 to {} times the speed of life", Speed::MAX)),
    }
}
