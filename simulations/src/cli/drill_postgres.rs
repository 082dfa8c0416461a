//! `drill --postgres`: the drill on two real PostgreSQL servers.

use understudy_policies::shipped::LOCAL_POSTGRES;
use understudy_simulations::drill::postgres::{self, Failure, Fault, PostgresDrill};

use super::input::{self, Refusal};
use super::{Answer, DrillArguments, drill, output};

/// The faults that can be asked for.
pub(super) const FAULTS: [&str; 3] = [Fault::ALL[0].name(), Fault::ALL[1].name(), Fault::ALL[2].name()];

pub(super) fn drill(arguments: &DrillArguments) -> Result<Answer, Refusal> {
    let faults: Vec<Fault> = match &arguments.fault {
        Some(name) => Fault::find(name).into_iter().collect(),
        None => Fault::ALL.to_vec(),
    };
    let (_, policy_text) = input::policy_and_text(arguments.policy.as_deref(), LOCAL_POSTGRES.name)?;
    let program = std::env::current_exe().map_err(|error| Refusal::Postgres(error.into()))?;
    let asked = PostgresDrill {
        faults: &faults,
        repeat: arguments.repeat,
        fenced: !arguments.without_fence,
        policy_text: &policy_text,
        program,
    };
    let stop = drill::stop_on_interrupt()?;
    let report = match postgres::run(&asked, &stop, &mut |line| output::tell(&format!("{line}\n"))) {
        Ok(report) => report,
        Err(Failure::Interrupted) => return Ok(Answer::Interrupted),
        Err(failure) => return Err(Refusal::Postgres(failure)),
    };
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&report.in_words())?;
    }
    Ok(if report.right { Answer::Fine } else { Answer::No })
}
