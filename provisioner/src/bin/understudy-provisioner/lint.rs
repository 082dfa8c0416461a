//! The commands `lint` and `explain`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use understudy_policies::policy::Document;
use understudy_policies::shipped;
use understudy_policies::source::{Diagnostics, Severity, Source, Style};
use understudy_policies::{Policy, check};
use understudy_provisioner::lint::pair::Limits;
use understudy_provisioner::lint::suppress::Suppression;
use understudy_provisioner::lint::{self, Given, Template, output, rules};

use crate::output::{Answer, Failure};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The primary region's templates, nested ones included.
    #[arg(long, required = true, num_args = 1.., value_name = "TEMPLATE")]
    primary: Vec<PathBuf>,
    /// The standby region's templates, nested ones included.
    #[arg(long, required = true, num_args = 1.., value_name = "TEMPLATE")]
    standby: Vec<PathBuf>,
    /// The policy: its regions, its health checks' thresholds, its record's TTL. Without it, the shipped trading policy.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The primary region, if it is not the policy's.
    #[arg(long, value_name = "REGION")]
    primary_region: Option<String>,
    /// The standby region, if it is not the policy's.
    #[arg(long, value_name = "REGION")]
    standby_region: Option<String>,
    /// The environment suffix that every name must carry. Without it, names are not looked at for one.
    #[arg(long, value_name = "SUFFIX")]
    env: Option<String>,
    /// A template parameter's value, for both sides or for one.
    #[arg(long = "parameter", value_name = "[primary:|standby:]NAME=VALUE")]
    parameters: Vec<String>,
    /// Suppress the findings of a rule, for one resource or for all, and say why.
    #[arg(long, value_name = "CODE[@LOGICALID]=REASON")]
    suppress: Vec<String>,
    /// A TOML file of suppressions, each with its reason.
    #[arg(long, value_name = "FILE")]
    suppressions: Option<PathBuf>,
    /// Also write the findings as SARIF 2.1.0.
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let policy = policy(arguments.policy.as_deref())?;
    let region = |given: &Option<String>, of_policy: &str| given.clone().unwrap_or_else(|| of_policy.to_owned());
    let primary_region = region(&arguments.primary_region, policy.regions.primary.as_str());
    let standby_region = region(&arguments.standby_region, policy.regions.standby.as_str());
    if primary_region == standby_region {
        let message =
            format!("both sides are in {primary_region}: name two regions with --primary-region and --standby-region");
        return Err(Failure::Unreadable(message));
    }
    let [for_primary, for_standby] = parameters(&arguments.parameters)?;
    let given = |region, files: &[PathBuf], parameters| -> Result<Given, Failure> {
        if let Some(twice) = twice(files) {
            let message = format!("{region} is given `{}` twice: name each template once", twice.display());
            return Err(Failure::Unreadable(message));
        }
        let templates = files.iter().map(|file| template(file)).collect::<Result<_, _>>()?;
        Ok(Given {
            region,
            templates,
            parameters,
        })
    };
    let primary = given(primary_region, &arguments.primary, for_primary)?;
    let standby = given(standby_region, &arguments.standby, for_standby)?;
    let suppressions = suppressions(arguments)?;
    let report = lint::lint(
        &primary,
        &standby,
        limits(&policy, arguments.env.clone()),
        &suppressions,
    )
    .map_err(|error| Failure::Unreadable(error.to_string()))?;
    if let Some(file) = &arguments.sarif {
        let text = format!("{:#}\n", output::sarif(&report));
        fs::write(file, text).map_err(|source| Failure::Unwritable {
            name: file.display().to_string(),
            source,
        })?;
    }
    Ok(Answer {
        text: output::human(&report),
        json: output::json(&report),
        aside: report.notes.iter().map(|note| format!("note: {note}\n")).collect(),
        code: u8::from(!report.findings.is_empty()),
    })
}

/// A file that stands twice among those of one side. Both sides may be given the same one.
fn twice(files: &[PathBuf]) -> Option<&PathBuf> {
    let same = |a: &Path, b: &Path| a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    let mut numbered = files.iter().enumerate();
    let found = numbered.find(|(index, file)| files[..*index].iter().any(|before| same(before, file)));
    found.map(|(_, file)| file)
}

fn limits(policy: &Policy, suffix: Option<String>) -> Limits {
    let check = &policy.infrastructure.route53_check;
    Limits {
        check_interval_s: check.interval.as_secs_f64(),
        check_failures: f64::from(check.failure_threshold),
        record_ttl_s: policy.traffic.ttl.as_secs_f64(),
        suffix,
    }
}

pub(crate) fn policy(file: Option<&Path>) -> Result<Policy, Failure> {
    policy_and_text(file).map(|(policy, _)| policy)
}

/// A policy that its checker lets pass, with the text of its file: the engine would refuse any other.
pub(crate) fn policy_and_text(file: Option<&Path>) -> Result<(Policy, String), Failure> {
    let Some(file) = file else {
        return Ok((shipped::trading(), shipped::TRADING.text.to_owned()));
    };
    let source = Source::read(file).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let refused = |wrong: &Diagnostics| {
        let why = wrong.render(Style::for_stderr());
        Failure::Unreadable(format!("the policy is refused\n{}", why.trim_end()))
    };
    let document = Document::read(&source).map_err(|wrong| refused(&wrong))?;
    let found = check(&document);
    if found.count(Severity::Error) > 0 {
        return Err(refused(&found));
    }
    Ok((document.into_policy(), source.text().to_owned()))
}

fn read(file: &Path) -> Result<String, Failure> {
    // CloudFormation takes no larger template than this reads.
    let source = Source::read(file).map_err(|error| Failure::Unreadable(error.to_string()))?;
    Ok(source.text().to_owned())
}

fn template(file: &Path) -> Result<Template, Failure> {
    Ok(Template {
        file: file.display().to_string(),
        text: read(file)?,
    })
}

/// The parameters of both sides, the primary's first.
fn parameters(given: &[String]) -> Result<[BTreeMap<String, String>; 2], Failure> {
    let mut sides = [BTreeMap::new(), BTreeMap::new()];
    for argument in given {
        let (which, assignment) = match argument.split_once(':') {
            Some(("primary", rest)) => (&[0][..], rest),
            Some(("standby", rest)) => (&[1][..], rest),
            _ => (&[0, 1][..], argument.as_str()),
        };
        let Some((name, value)) = assignment.split_once('=') else {
            let message =
                format!("`--parameter {argument}` has no value: write NAME=VALUE, or primary:NAME=VALUE for one side");
            return Err(Failure::Unreadable(message));
        };
        for side in which {
            sides[*side].insert(name.to_owned(), value.to_owned());
        }
    }
    Ok(sides)
}

fn suppressions(arguments: &Arguments) -> Result<Vec<Suppression>, Failure> {
    let mut all = Vec::new();
    if let Some(file) = &arguments.suppressions {
        let name = file.display().to_string();
        all.extend(Suppression::read(&name, &read(file)?).map_err(Failure::Unreadable)?);
    }
    for argument in &arguments.suppress {
        all.push(Suppression::parse(argument).map_err(Failure::Unreadable)?);
    }
    Ok(all)
}

pub(crate) fn explain(code: Option<&str>) -> Result<Answer, Failure> {
    let wanted = match code {
        None => rules::all(),
        Some(code) => {
            let code = code.to_uppercase();
            let rule = rules::find(&code);
            let unknown = || {
                Failure::Unreadable(format!(
                    "no rule has the code `{code}`: `explain` without a code lists them all"
                ))
            };
            vec![rule.ok_or_else(unknown)?]
        }
    };
    let mut text = String::new();
    for rule in &wanted {
        let _ = if code.is_none() {
            writeln!(text, "{}  {}", rule.code, rule.title)
        } else {
            writeln!(
                text,
                "{}  {}\nwhy   {}\nmend  {}",
                rule.code, rule.title, rule.why, rule.mend
            )
        };
    }
    let objects = wanted
        .iter()
        .map(|rule| json!({ "code": rule.code, "title": rule.title, "why": rule.why, "mend": rule.mend }));
    Ok(Answer {
        text,
        json: json!({ "rules": objects.collect::<Vec<_>>() }),
        aside: String::new(),
        code: 0,
    })
}
