//! Reads the faults of a scenario.

use std::time::Duration;

use understudy_policies::gather;
use understudy_policies::source::Table;

use super::model::{Fault, FaultState, Origin, Part, Place, Subject};
use super::rules;
use super::state::state;
use super::timing::{beginning, ending};

/// What a fault's checks need to know of the rest of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// From the start of the run to the onset, if it is readable.
    pub(super) onset: Option<Duration>,
    /// From the onset to the end of the run, if both are readable.
    pub(super) length: Option<Duration>,
    /// Sidecars in each region, as far as the file says.
    pub(super) sidecars: Option<u16>,
    /// Whether the file names a source.
    pub(super) sourced: bool,
}

const FAULTS_MAX: usize = 200;
/// The most sidecars that a region can have.
pub(super) const SIDECARS_MAX: u16 = 4;

pub(super) fn faults(table: &Table<'_>, head: Head) -> Option<Vec<Fault>> {
    let mut earlier: Vec<Fault> = Vec::new();
    table.tables("fault", 1..=FAULTS_MAX, |table| {
        let fault = fault(table, head)?;
        let clash = earlier.iter().any(|other| overlap(other, &fault));
        earlier.push(fault.clone());
        if clash {
            table.refuse(
                begins_with(table),
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
    let begins = beginning(table, head);
    let fault = gather!(Fault {
        subject: subject(table, part, head),
        state: state(table, part),
        origin: begins.map(|begins| begins.origin),
        at: begins.map(|begins| begins.at),
        until: ending(table, head, begins),
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

/// The key that says when it begins.
fn begins_with(table: &Table<'_>) -> &'static str {
    let keys = ["at-step", "at-state", "before-onset"];
    keys.into_iter().find(|key| table.has(key)).unwrap_or("at")
}

/// The number of one sidecar of several.
pub(super) fn sidecar(table: &Table<'_>, head: Head) -> Option<Option<u16>> {
    let number = table.optional("sidecar", |value| value.integer(1..=SIDECARS_MAX))?;
    let there_are = head.sidecars.unwrap_or(1);
    if number.is_some_and(|number| number > there_are) {
        table.refuse(
            "sidecar",
            rules::SIDECAR,
            format!("each region has {there_are} of them"),
            "write a smaller number, or more `sidecars` at the top of the file".to_owned(),
        );
        return None;
    }
    Some(number)
}

fn subject(table: &Table<'_>, part: Option<Part>, head: Head) -> Option<Subject> {
    let region = table.optional("region", |value| value.name::<Place>());
    let between = table.optional("between", |value| value.list(2..=2, |value| value.name::<Place>()));
    let from = table.optional("from", |value| value.name::<Place>());
    let to = table.optional("to", |value| value.name::<Place>());
    let sidecar = sidecar(table, head);
    if table.has("sidecar") && part.is_some_and(|part| part != Part::Sidecars) {
        table.refuse(
            "sidecar",
            rules::SIDECAR,
            "only `sidecars` come in numbers".to_owned(),
            "remove it, or write `part = \"sidecars\"`".to_owned(),
        );
        return None;
    }
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
            let subject = match sidecar? {
                Some(number) => Subject::Sidecar { place, number },
                None => Subject::Part { part, place },
            };
            (ends.is_empty() && placed(table, part, place)).then_some(subject)
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

/// Whether two faults say something about the same thing at the same time, of which only one can be so.
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
    let differ = one.state.name() != other.state.name();
    if !same || (differ && (spoils_delivery(one.state) || spoils_delivery(other.state))) {
        return false;
    }
    let (Some(one), Some(other)) = (span(one), span(other)) else {
        return false;
    };
    let ends_before = |one: Span, other: Span| one.1.is_some_and(|end| end <= other.0);
    !ends_before(one, other) && !ends_before(other, one)
}

/// Messages can be lost, repeated and late all at once.
const fn spoils_delivery(state: FaultState) -> bool {
    matches!(
        state,
        FaultState::Lossy { .. } | FaultState::Duplicated { .. } | FaultState::Reordered { .. }
    )
}

/// Beginning and end, in nanoseconds from the onset.
type Span = (i128, Option<i128>);

/// When a fault is in force; none: nobody knows before the run.
fn span(fault: &Fault) -> Option<Span> {
    let nanos = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
    let origin = match fault.origin {
        Origin::Onset => 0,
        Origin::BeforeOnset(before) => -nanos(before),
        Origin::Step(_) | Origin::State(_) => return None,
    };
    Some((origin + nanos(fault.at), fault.until.map(|until| origin + nanos(until))))
}
