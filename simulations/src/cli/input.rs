//! What the arguments name: scenarios and policies, shipped or in files.

use std::io;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;
use understudy_policies::Policy;
use understudy_policies::check;
use understudy_policies::duration;
use understudy_policies::policy::Document;
use understudy_policies::shipped as policies;
use understudy_policies::source::{Diagnostics, Severity, Source, Style, Unreadable, nearest};
use understudy_simulations::campaign::HORIZON_MIN;
use understudy_simulations::drill::{Failure, postgres};
use understudy_simulations::scenario::{self, Place, Scenario, shipped};

use super::output;

/// Why nothing was run.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    #[error("there is no scenario `{name}`; {hint}")]
    UnknownScenario { name: String, hint: String },
    #[error("there is no policy `{name}`; {hint}")]
    UnknownPolicy { name: String, hint: String },
    #[error("the policy `{policy}` has no witness `{name}`; {hint}")]
    UnknownWitness { name: String, policy: String, hint: String },
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("{0}")]
    Invalid(Diagnostics),
    #[error(
        "the policy `{policy}` is for {regions}, and the modelled platform is in us-east-1, us-east-2 and us-west-2; \
         write `primary = \"us-east-1\"`, `standby = \"us-east-2\"` and `witness = \"us-west-2\"` to try it"
    )]
    OtherRegions { policy: String, regions: String },
    #[error("seed {seed} and {timelines} timelines go beyond the last seed, {last}; begin lower or run fewer", last = u64::MAX)]
    SeedsRunOut { seed: u64, timelines: u64 },
    #[error(
        "the horizon is {given}, and everything is healed only 15m after the onset; give a drawn timeline {least} or \
         more, so that it can come to rest",
        given = duration::format(*.0),
        least = duration::format(HORIZON_MIN)
    )]
    ShortHorizon(Duration),
    #[error(
        "`{path}` cannot name a scenario; give it a name of lower-case words joined by dashes and the ending `.toml`, like \
         `lost-renewal.toml`"
    )]
    NoScenarioName { path: String },
    #[error("cannot write `{path}`: {error}")]
    Unwritable { path: String, error: io::Error },
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(String),
    #[error(transparent)]
    Drill(#[from] Failure),
    #[error(transparent)]
    Postgres(#[from] postgres::Failure),
    #[error("cannot write the answer: {0}")]
    Output(io::Error),
}

impl Refusal {
    /// 2 for wrong usage or unreadable input; 3 when it is the outside that failed.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Output(_) | Self::Signals(_) | Self::Unwritable { .. } => 3,
            Self::Drill(Failure::Unplayable(_)) => 2,
            Self::Postgres(postgres::Failure::Policy(_)) => 2,
            Self::Drill(_) | Self::Postgres(_) => 3,
            _ => 2,
        }
    }

    /// Says it on standard error: a file's findings with the lines underlined.
    pub(super) fn tell(&self) {
        match self {
            Self::Invalid(wrong) => output::tell(&wrong.render(Style::for_stderr())),
            other => output::tell(&format!("error: {other}\n")),
        }
    }
}

/// The scenario that an argument names.
pub(super) fn scenario(argument: &str) -> Result<Scenario, Refusal> {
    if let Some(shipped) = shipped::find(argument) {
        return shipped.scenario().map_err(Refusal::Invalid);
    }
    if !names_a_file(argument) {
        let hint = hint(argument, shipped::ALL.iter().map(|shipped| shipped.name)).unwrap_or_else(|| {
            "`understudy-sim scenarios` lists the shipped ones, and a file's name ends in `.toml`".to_owned()
        });
        return Err(Refusal::UnknownScenario {
            name: argument.to_owned(),
            hint,
        });
    }
    let source = Source::read(Path::new(argument))?;
    scenario::read(&source).map_err(Refusal::Invalid)
}

/// Every shipped scenario.
pub(super) fn scenarios() -> Result<Vec<Scenario>, Refusal> {
    shipped::ALL
        .iter()
        .map(|shipped| shipped.scenario().map_err(Refusal::Invalid))
        .collect()
}

/// The policy that an argument names, or else the one that the scenario does.
pub(super) fn policy(argument: Option<&str>, otherwise: &str) -> Result<Policy, Refusal> {
    for_this_platform(&policy_source(argument, otherwise)?)
}

/// The same with its text.
pub(super) fn policy_and_text(argument: Option<&str>, otherwise: &str) -> Result<(Policy, String), Refusal> {
    let source = policy_source(argument, otherwise)?;
    Ok((for_this_platform(&source)?, source.text().to_owned()))
}

fn policy_source(argument: Option<&str>, otherwise: &str) -> Result<Source, Refusal> {
    let name = argument.unwrap_or(otherwise);
    match policies::Shipped::find(name) {
        Some(shipped) => Ok(shipped.source()),
        None if names_a_file(name) => Ok(Source::read(Path::new(name))?),
        None => {
            let hint = hint(name, policies::ALL.iter().map(|shipped| shipped.name))
                .unwrap_or_else(|| "name a file that ends in `.toml`, or a shipped policy".to_owned());
            Err(Refusal::UnknownPolicy {
                name: name.to_owned(),
                hint,
            })
        }
    }
}

fn for_this_platform(source: &Source) -> Result<Policy, Refusal> {
    let document = Document::read(source).map_err(Refusal::Invalid)?;
    let found = check(&document);
    let refused = found
        .findings()
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    let mut codes: Vec<&str> = refused.map(|finding| finding.code).collect();
    codes.dedup();
    if !codes.is_empty() {
        output::tell(&format!(
            "warning: `understudy-policy check` refuses this policy ({}); the run shows what it would do, and no engine \
             would start with it\n",
            codes.join(", ")
        ));
    }
    let policy = document.into_policy();
    let regions = &policy.regions;
    let named = [&regions.primary, &regions.standby, &regions.witness].map(ToString::to_string);
    if named != [Place::Home, Place::Away, Place::Witness].map(|place| place.name().to_owned()) {
        return Err(Refusal::OtherRegions {
            policy: policy.name,
            regions: named.join(", "),
        });
    }
    Ok(policy)
}

/// Names have neither dots nor slashes, and paths have one or the other.
fn names_a_file(argument: &str) -> bool {
    argument == "-" || argument.contains(['.', '/', '\\'])
}

fn hint<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    nearest(name, names).map(|near| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_for_other_regions_is_refused_with_what_to_write() {
        let text = policies::TRADING.text.replace("\"us-west-2\"", "\"eu-west-1\"");
        let refused = for_this_platform(&Source::new("mine.toml", &text))
            .err()
            .map(|refusal| refusal.to_string());
        assert!(refused.is_some_and(|said| said.contains("us-east-1, us-east-2, eu-west-1") && said.contains("write")));
    }

    #[test]
    fn every_shipped_scenario_is_found_by_name_with_its_policy() {
        for shipped in shipped::ALL {
            let scenario = scenario(shipped.name).unwrap();
            assert_eq!(policy(None, &scenario.policy).unwrap().name, scenario.policy);
        }
    }

    #[test]
    fn names_and_files_are_told_apart() {
        assert!(["-", "mine.toml", "./mine", "..\\mine"].into_iter().all(names_a_file));
        assert!(!names_a_file("aws-2021-12-07-network"));
    }
}
