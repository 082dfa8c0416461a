//! From a text to a typed scenario, with everything that is wrong found at once.

use std::path::Path;
use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::time::WallTime;
use understudy_policies::gather;
use understudy_policies::shipped as policies;
use understudy_policies::source::{Diagnostics, Reader, Source, Table, Value, nearest};

use super::expect::{expect, serving_region};
use super::fault::{self, Head};
use super::model::{Fault, Operation, Origin, Part, Scenario, Share};
use super::operation::operations;
use super::{rules, shipped};

/// The longest run: a week.
pub(super) const HORIZON_MAX: Duration = Duration::from_secs(7 * 86_400);
const ONSET_MIN: Duration = Duration::from_secs(10);
const ONSET_MAX: Duration = Duration::from_secs(3_600);
const HORIZON_MIN: Duration = Duration::from_secs(60);

/// Reads a scenario file.
///
/// # Errors
/// With everything that is wrong with it, at once, each at its place and with how to mend it.
pub fn read(source: &Source) -> Result<Scenario, Diagnostics> {
    Reader::read(source, rules::code, |table| scenario(source, table))
}

fn scenario(source: &Source, table: &Table<'_>) -> Option<Scenario> {
    let (onset, horizon) = times(table);
    let sources = table
        .optional("sources", |value| value.list(1..=20, |value| value.text()))
        .map(Option::unwrap_or_default);
    let sidecars = table.optional("sidecars", |value| value.integer(1..=fault::SIDECARS_MAX));
    let head = Head {
        onset,
        sidecars: sidecars.flatten(),
        length: onset.zip(horizon).map(|(onset, horizon)| horizon.saturating_sub(onset)),
        sourced: sources.as_ref().is_none_or(|sources| !sources.is_empty()),
    };
    let operations = operations(table, head);
    // An operator can be all that happens.
    let faults = if table.has("fault") || !table.has("operator") {
        fault::faults(table, head)
    } else {
        Some(Vec::new())
    };
    if let (Some(faults), Some(operations)) = (&faults, &operations)
        && !something_at_the_onset(faults, operations)
    {
        table.refuse(
            "onset",
            rules::ONSET,
            "no fault begins at the onset, from which both figures are counted".to_owned(),
            "give the first fault `at = \"0s\"`, and move the onset and the other faults to match".to_owned(),
        );
    }
    let begins_in = table
        .optional("begins-in", |value| serving_region(&value))
        .map(|region| region.unwrap_or(Region::Home));
    gather!(Scenario {
        name: name(source, table),
        title: table.parsed("title", one_line),
        theme: table.optional("theme", |value| value.name()),
        variant_of: table.optional("variant-of", |value| variant_of(&value)),
        start: table.parsed("start", start),
        onset: onset,
        horizon: horizon,
        order_path: order_path(table),
        policy: policy(table),
        begins_in: begins_in,
        mode: table.optional("mode", |value| value.name()),
        approval_after: table.optional("approval-after", |value| value.duration(Duration::ZERO..=HORIZON_MAX)),
        sidecars: sidecars,
        stretching_resolvers: table
            .optional("stretching-resolvers", |value| value.share())
            .map(|share| share.map(Share::from_fraction)),
        seed: table.optional("seed", |value| {
            value.integer(0..=i64::MAX).and_then(|seed| u64::try_from(seed).ok())
        }),
        sources: sources,
        expect: table.table("expect", |table| expect(
            table,
            head.length,
            begins_in.unwrap_or(Region::Home)
        )),
        faults: faults,
        operations: operations,
    })
}

fn something_at_the_onset(faults: &[Fault], operations: &[Operation]) -> bool {
    let faults = faults.iter().map(|fault| (fault.origin, fault.at));
    let operations = operations.iter().map(|operation| (operation.origin, operation.at));
    faults
        .chain(operations)
        .any(|begins| begins == (Origin::Onset, Duration::ZERO))
}

fn times(table: &Table<'_>) -> (Option<Duration>, Option<Duration>) {
    let onset = table.duration("onset", ONSET_MIN..=ONSET_MAX);
    let horizon = table.duration("horizon", HORIZON_MIN..=HORIZON_MAX);
    if let (Some(onset), Some(horizon)) = (onset, horizon)
        && horizon <= onset
    {
        table.refuse_together(
            &[
                ("horizon", "the end of the run"),
                ("onset", "when the first thing breaks"),
            ],
            rules::HORIZON,
            "the run ends before anything breaks".to_owned(),
            "both count from the start: give `horizon` more than `onset`".to_owned(),
        );
        return (None, None);
    }
    (onset, horizon)
}

fn name(source: &Source, table: &Table<'_>) -> Option<String> {
    let name = table.parsed("name", short_name)?;
    let file = Path::new(source.name());
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    if file.extension().is_some_and(|extension| extension == "toml") && stem != Some(name.as_str()) {
        let stem = stem.unwrap_or_default();
        table.refuse(
            "name",
            rules::NAME,
            format!("the name is `{name}`, and the file's is `{stem}`"),
            format!("write `name = \"{stem}\"`, or rename the file"),
        );
        return None;
    }
    Some(name)
}

/// Whether a text can name a scenario: names are typed on command lines and are file names.
///
/// # Errors
/// When it cannot, with how to write it.
pub fn short_name(text: &str) -> Result<String, String> {
    let word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if text.len() <= 60 && text.split('-').all(word) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a short name; write lower-case words joined by dashes, at most 60 letters"
        ))
    }
}

fn one_line(text: &str) -> Result<String, String> {
    if text.len() <= 120 && !text.contains('\n') {
        Ok(text.to_owned())
    } else {
        Err("the text is more than a line; write at most 120 letters".to_owned())
    }
}

fn start(text: &str) -> Result<WallTime, String> {
    text.parse::<jiff::Timestamp>()
        .map(|moment| WallTime::from_millis(moment.as_millisecond()))
        .map_err(|_| format!("`{text}` is not a moment in UTC; write it like `2021-12-07T15:25:00Z`"))
}

fn variant_of(value: &Value<'_>) -> Option<String> {
    let name = value.text()?;
    if shipped::find(&name).is_some() {
        return Some(name);
    }
    let names = || shipped::ALL.iter().map(|shipped| shipped.name);
    let help = nearest(&name, names()).map_or_else(
        || "name a shipped scenario, as `understudy-sim scenarios` lists them; or leave it out".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    value.refuse(rules::VARIANT, format!("there is no shipped scenario `{name}`"), help);
    None
}

fn policy(table: &Table<'_>) -> Option<String> {
    let named = table.optional("policy", |value| {
        let name = value.text()?;
        if policies::Shipped::find(&name).is_some() {
            return Some(name);
        }
        let names = || policies::ALL.iter().map(|shipped| shipped.name);
        let help = nearest(&name, names()).map_or_else(
            || {
                let all: Vec<&str> = names().collect();
                format!(
                    "the shipped ones are {}; a file is given with `--policy FILE`",
                    all.join(", ")
                )
            },
            |near| format!("did you mean `{near}`? a file is given with `--policy FILE`"),
        );
        value.refuse(
            rules::UNKNOWN_POLICY,
            format!("there is no shipped policy `{name}`"),
            help,
        );
        None
    })?;
    Some(named.unwrap_or_else(|| policies::TRADING.name.to_owned()))
}

fn order_path(table: &Table<'_>) -> Option<Vec<Part>> {
    let mut seen: Vec<Part> = Vec::new();
    let parts = table.list("order-path", 2..=9, |value| {
        let part: Part = value.name()?;
        if !part.carries_orders() {
            value.refuse(
                rules::ORDER_PATH,
                format!("no order passes through `{}`", part.name()),
                "name what carries orders: `api-gateway`, `lambda`, `sqs`, `ec2`, `load-balancer`, `dynamodb`, `s3`, \
                 `kinesis`, `aurora`"
                    .to_owned(),
            );
            return None;
        }
        if seen.contains(&part) {
            value.refuse(
                rules::ORDER_PATH,
                format!("`{}` is in the order path already", part.name()),
                "name each part once, in the order in which an order meets them".to_owned(),
            );
            return None;
        }
        seen.push(part);
        Some(part)
    })?;
    if parts.last() == Some(&Part::Aurora) {
        return Some(parts);
    }
    table.refuse(
        "order-path",
        rules::ORDER_PATH,
        "the order path does not end in the database".to_owned(),
        "put `aurora` last: it is where an order is committed".to_owned(),
    );
    None
}
