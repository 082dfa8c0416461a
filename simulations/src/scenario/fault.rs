//! Reads the faults of a scenario.

use std::time::Duration;

use understudy_policies::duration;
use understudy_policies::gather;
use understudy_policies::source::{Table, name_of};

use super::model::{Fault, FaultState, Part, Place, Subject};
use super::names::StateName;
use super::read::HORIZON_MAX;
use super::rules;

/// What a fault's checks need to know of the rest of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// From the onset to the end of the run, if both are readable.
    pub(super) length: Option<Duration>,
    /// Whether the file names a source.
    pub(super) sourced: bool,
}

const FAULTS_MAX: usize = 200;
const SPAN_MIN: Duration = Duration::from_millis(1);

pub(super) fn faults(table: &Table<'_>, head: Head) -> Option<Vec<Fault>> {
    let mut earlier: Vec<Fault> = Vec::new();
    table.tables("fault", 1..=FAULTS_MAX, |table| {
        let fault = fault(table, head)?;
        let clash = earlier.iter().any(|other| overlap(other, &fault));
        earlier.push(fault.clone());
        if clash {
            table.refuse(
                "at",
                rules::OVERLAP,
                "an earlier fault of the same thing is still in force here".to_owned(),
                "end the earlier one first: of two states at once, only one can be modelled".to_owned(),
            );
            return None;
        }
        Some(fault)
    })
}

fn fault(table: &Table<'_>, head: Head) -> Option<Fault> {
    let part: Option<Part> = table.name("part");
    let (at, until) = span(table, head.length);
    let fault = gather!(Fault {
        subject: subject(table, part),
        state: state(table, part),
        at: at,
        until: until,
        evidence: table.name("evidence"),
        note: table.text("note"),
    })?;
    if fault.evidence == super::Evidence::Published && !head.sourced {
        table.refuse(
            "evidence",
            rules::UNSOURCED,
            "the fault is called published, and the scenario names no source".to_owned(),
            "add `sources = [\"...\"]` at the top, or write `evidence = \"inferred\"`".to_owned(),
        );
        return None;
    }
    Some(fault)
}

fn span(table: &Table<'_>, length: Option<Duration>) -> (Option<Duration>, Option<Option<Duration>>) {
    let mut at = table.duration("at", Duration::ZERO..=HORIZON_MAX);
    let mut until = table.optional("until", |value| value.duration(SPAN_MIN..=HORIZON_MAX));
    if let (Some(from), Some(Some(to))) = (at, until)
        && to <= from
    {
        table.refuse_together(
            &[("until", "the end"), ("at", "the beginning")],
            rules::UNTIL,
            "the fault ends before it begins".to_owned(),
            "both count from the onset: give `until` more than `at`".to_owned(),
        );
        return (None, None);
    }
    let Some(length) = length else { return (at, until) };
    let beyond = |key: &str, what: &str, help: &str| {
        let message = format!(
            "the fault {what} the end of the run, {} after the onset",
            duration::format(length)
        );
        table.refuse(key, rules::BEYOND_HORIZON, message, help.to_owned());
    };
    if at.take_if(|at| *at >= length).is_some() {
        beyond(
            "at",
            "begins at or after",
            "let it begin earlier, or give the run a longer `horizon`",
        );
    } else if until
        .take_if(|until| until.is_some_and(|until| until > length))
        .is_some()
    {
        beyond(
            "until",
            "ends after",
            "leave `until` out, or give the run a longer `horizon`",
        );
    }
    (at, until)
}

fn subject(table: &Table<'_>, part: Option<Part>) -> Option<Subject> {
    let region = table.optional("region", |value| value.name::<Place>());
    let between = table.optional("between", |value| value.list(2..=2, |value| value.name::<Place>()));
    let from = table.optional("from", |value| value.name::<Place>());
    let to = table.optional("to", |value| value.name::<Place>());
    match part? {
        Part::Link => {
            if table.has("region") {
                refuse_ends(table, "region", "a link is not in a region: it joins two places");
                return None;
            }
            link(table, between?.as_deref(), from?, to?)
        }
        part => {
            let ends: Vec<&str> = ["between", "from", "to"]
                .into_iter()
                .filter(|key| table.has(key))
                .collect();
            for key in &ends {
                refuse_ends(table, key, &format!("`{}` has no ends: it is in a region", part.name()));
            }
            let place: Place = if table.has("region") {
                region??
            } else {
                table.name("region")?
            };
            (ends.is_empty() && placed(table, part, place)).then_some(Subject::Part { part, place })
        }
    }
}

fn link(table: &Table<'_>, between: Option<&[Place]>, from: Option<Place>, to: Option<Place>) -> Option<Subject> {
    let (key, ends, both_ways) = match (between, from, to) {
        (Some([one, other]), None, None) => ("between", (*one, *other), true),
        (None, Some(from), Some(to)) => ("from", (from, to), false),
        (Some(_), ..) => {
            refuse_ends(
                table,
                "between",
                "a link is cut either both ways (`between`) or one way (`from`, `to`)",
            );
            return None;
        }
        _ => {
            refuse_ends(table, "part", "it is not said which places the link joins");
            return None;
        }
    };
    if ends.0 == ends.1 {
        refuse_ends(table, key, "both ends of the link are the same place");
        return None;
    }
    Some(Subject::Link {
        from: ends.0,
        to: ends.1,
        both_ways,
    })
}

fn refuse_ends(table: &Table<'_>, key: &str, message: &str) {
    let help = "a link has `between = [\"us-east-1\", \"us-east-2\"]`, or `from` and `to` for one way; everything \
                else has `region`";
    table.refuse(key, rules::LINK_ENDS, message.to_owned(), help.to_owned());
}

fn placed(table: &Table<'_>, part: Part, place: Place) -> bool {
    let places = part.places();
    if places.contains(&place) {
        return true;
    }
    let names: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
    table.refuse(
        "region",
        rules::PLACE,
        format!("there is no `{}` in `{place}`", part.name()),
        format!("write {}", names.join(" or ")),
    );
    false
}

fn state(table: &Table<'_>, part: Option<Part>) -> Option<FaultState> {
    let name: Option<StateName> = table.name("state");
    let period = table.optional("period", |value| value.duration(SPAN_MIN..=HORIZON_MAX));
    let down_for = table.optional("down-for", |value| value.duration(SPAN_MIN..=HORIZON_MAX));
    let by = table.optional("by", |value| value.duration(SPAN_MIN..=HORIZON_MAX));
    let name = name?;
    if !possible(table, part?, name) {
        return None;
    }
    let used: &[&str] = match name {
        StateName::Flapping => &["period", "down-for"],
        StateName::Slow | StateName::Delayed => &["by"],
        _ => &[],
    };
    let mut unused = ["period", "down-for", "by"]
        .into_iter()
        .filter(|key| table.has(key) && !used.contains(key));
    if let Some(key) = unused.next() {
        table.refuse_together(
            &[(key, "means nothing for"), ("state", "this")],
            rules::FIGURES,
            format!("`{key}` means nothing for the state `{}`", name_of(name)),
            "remove it: `period` and `down-for` go with `flapping`, `by` with `slow` and `delayed`".to_owned(),
        );
        return None;
    }
    // Reported as a missing key when it is not there: only now is it known to be needed.
    let needed = |key: &str, given: Option<Option<Duration>>| match given? {
        Some(given) => Some(given),
        None => table.required(key).and(None),
    };
    Some(match name {
        StateName::Down => FaultState::Down,
        StateName::Hang => FaultState::Hang,
        StateName::Missing => FaultState::Missing,
        StateName::Open => FaultState::Open,
        StateName::Damaged => FaultState::Damaged,
        StateName::Slow => FaultState::Slow { by: needed("by", by)? },
        StateName::Delayed => FaultState::Delayed { by: needed("by", by)? },
        StateName::Flapping => flapping(table, needed("period", period)?, down_for?)?,
    })
}

fn flapping(table: &Table<'_>, period: Duration, down_for: Option<Duration>) -> Option<FaultState> {
    // Half of the time up and half of it down is what "flapping" says when nothing else is known.
    let down_for = down_for.unwrap_or(period / 2);
    if down_for >= period {
        table.refuse_together(
            &[("down-for", "this much of"), ("period", "one full cycle")],
            rules::PERIOD,
            "the part is down for the whole of each period, which is not flapping".to_owned(),
            "give `down-for` less than `period`, or write `state = \"down\"`".to_owned(),
        );
        return None;
    }
    Some(FaultState::Flapping { period, down_for })
}

fn possible(table: &Table<'_>, part: Part, state: StateName) -> bool {
    if part.states().contains(&state) {
        return true;
    }
    let states: Vec<String> = part
        .states()
        .iter()
        .map(|state| format!("`{}`", name_of(*state)))
        .collect();
    table.refuse_together(
        &[("state", "not a state of"), ("part", "this")],
        rules::STATE,
        format!("`{}` cannot be `{}`", part.name(), name_of(state)),
        format!("write {}", states.join(" or ")),
    );
    false
}

/// Whether two faults say something about the same thing at the same time.
pub(crate) fn overlap(one: &Fault, other: &Fault) -> bool {
    let same = match (one.subject, other.subject) {
        (
            Subject::Link { from, to, both_ways },
            Subject::Link {
                from: other_from,
                to: other_to,
                both_ways: other_both,
            },
        ) => {
            (from, to) == (other_from, other_to) || ((both_ways || other_both) && (to, from) == (other_from, other_to))
        }
        (one, other) => one == other,
    };
    let ends_before = |one: &Fault, other: &Fault| one.until.is_some_and(|until| until <= other.at);
    same && !ends_before(one, other) && !ends_before(other, one)
}
