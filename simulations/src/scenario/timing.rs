//! Reads when something begins and when it ends.

use std::time::Duration;

use understudy_policies::duration;
use understudy_policies::source::{Table, name_of};

use super::fault::Head;
use super::model::Origin;
use super::names::{MachineState, StepName};
use super::read::HORIZON_MAX;
use super::rules;

/// The keys that say when something begins.
const BEGINNINGS: [&str; 4] = ["at", "before-onset", "at-step", "at-state"];

/// The shortest time that means anything.
pub(super) const SPAN_MIN: Duration = Duration::from_millis(1);

/// When something begins, counted from its origin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beginning {
    pub(super) origin: Origin,
    pub(super) at: Duration,
}

/// When something begins: `at`, `before-onset`, `at-step` or `at-state`, the last two with `after`.
pub(super) fn beginning(table: &Table<'_>, head: Head) -> Option<Beginning> {
    let at = table.optional("at", |value| value.duration(Duration::ZERO..=HORIZON_MAX));
    let before = table.optional("before-onset", |value| value.duration(SPAN_MIN..=HORIZON_MAX));
    let step = table.optional("at-step", |value| value.name::<StepName>());
    let state = table.optional("at-state", |value| value.name::<MachineState>());
    let after = table.optional("after", |value| value.duration(SPAN_MIN..=HORIZON_MAX));
    let given: Vec<&str> = BEGINNINGS.into_iter().filter(|key| table.has(key)).collect();
    match given.as_slice() {
        // Reported as missing.
        [] => return table.required("at").and(None),
        [_] => {}
        [one, other, ..] => {
            table.refuse_together(
                &[(other, "and once more"), (one, "once")],
                rules::BEGINNING,
                format!("`{one}` and `{other}` both say when it begins"),
                "keep one of `at`, `before-onset`, `at-step` and `at-state`".to_owned(),
            );
            return None;
        }
    }
    let triggered = table.has("at-step") || table.has("at-state");
    if table.has("after") && !triggered {
        table.refuse(
            "after",
            rules::BEGINNING,
            "`after` counts from a step or a state, and neither is named".to_owned(),
            "remove it, or begin with `at-step` or `at-state`".to_owned(),
        );
        return None;
    }
    let (at, before, step, state) = (at?, before?, step?, state?);
    if let Some(step) = step {
        asks_for_something(table, step)?;
        let (origin, at) = (Origin::Step(step.0), after?.unwrap_or_default());
        return Some(Beginning { origin, at });
    }
    if let Some(state) = state {
        let (origin, at) = (Origin::State(state.0), after?.unwrap_or_default());
        return Some(Beginning { origin, at });
    }
    if let Some(before) = before {
        let origin = Origin::BeforeOnset(since_the_start(table, head.onset?, before)?);
        return Some(Beginning {
            origin,
            at: Duration::ZERO,
        });
    }
    Some(Beginning {
        origin: Origin::Onset,
        at: within_run(table, head.length, at?)?,
    })
}

fn asks_for_something(table: &Table<'_>, step: StepName) -> Option<()> {
    let Some(state) = step.only_waits_in() else {
        return Some(());
    };
    table.refuse(
        "at-step",
        rules::STEP,
        format!("the step `{}` only waits: it asks for nothing", name_of(step)),
        format!("write `at-state = \"{}\"`, the state in which it waits", state.name()),
    );
    None
}

fn since_the_start(table: &Table<'_>, onset: Duration, before: Duration) -> Option<Duration> {
    if before <= onset {
        return Some(before);
    }
    table.refuse(
        "before-onset",
        rules::BEFORE_START,
        format!("the run begins only {} before the onset", duration::format(onset)),
        "write less, or give the run a longer `onset`".to_owned(),
    );
    None
}

fn within_run(table: &Table<'_>, length: Option<Duration>, at: Duration) -> Option<Duration> {
    if let Some(length) = length.filter(|length| at >= *length) {
        let help = "let it begin earlier, or give the run a longer `horizon`";
        beyond(table, "at", "it begins at or after", length, help);
        return None;
    }
    Some(at)
}

/// When it ends, counted from the same origin: `until` or `lasts`; neither: with the run.
pub(super) fn ending(table: &Table<'_>, head: Head, begins: Option<Beginning>) -> Option<Option<Duration>> {
    let until = table.optional("until", |value| value.duration(SPAN_MIN..=HORIZON_MAX));
    let lasts = table.optional("lasts", |value| value.duration(SPAN_MIN..=HORIZON_MAX));
    if table.has("until") && table.has("lasts") {
        table.refuse_together(
            &[("lasts", "and once more"), ("until", "once")],
            rules::ENDING,
            "`until` and `lasts` both say when it ends".to_owned(),
            "keep one of them".to_owned(),
        );
        return None;
    }
    if let Some(key) = ["at-step", "at-state"].into_iter().find(|key| table.has(key))
        && table.has("until")
    {
        table.refuse_together(
            &[("until", "counts from the onset"), (key, "comes at its own time")],
            rules::ENDING,
            format!("`until` counts from the onset, and nobody knows when `{key}` comes"),
            "write `lasts`, which counts from the beginning".to_owned(),
        );
        return None;
    }
    let (until, lasts) = (until?, lasts?);
    let Beginning { origin, at } = begins?;
    if let Some(lasts) = lasts {
        let end = at + lasts;
        let longest = match origin {
            Origin::Onset => head.length,
            Origin::BeforeOnset(before) => head.length.map(|length| before + length),
            Origin::Step(_) | Origin::State(_) => None,
        };
        return ends_within_run(table, "lasts", end, longest, head.length).then_some(Some(end));
    }
    let Some(until) = until else { return Some(None) };
    if let Origin::BeforeOnset(before) = origin {
        let end = before + until;
        return ends_within_run(table, "until", until, head.length, head.length).then_some(Some(end));
    }
    if until <= at {
        table.refuse_together(
            &[("until", "the end"), ("at", "the beginning")],
            rules::UNTIL,
            "the fault ends before it begins".to_owned(),
            "both count from the onset: give `until` more than `at`".to_owned(),
        );
        return None;
    }
    ends_within_run(table, "until", until, head.length, head.length).then_some(Some(until))
}

fn ends_within_run(
    table: &Table<'_>,
    key: &str,
    end: Duration,
    longest: Option<Duration>,
    length: Option<Duration>,
) -> bool {
    if longest.is_none_or(|longest| end <= longest) {
        return true;
    }
    let help = format!("leave `{key}` out, or give the run a longer `horizon`");
    beyond(table, key, "it ends after", length.unwrap_or(end), &help);
    false
}

fn beyond(table: &Table<'_>, key: &str, what: &str, length: Duration, help: &str) {
    let message = format!(
        "{what} the end of the run, {} after the onset",
        duration::format(length)
    );
    table.refuse(key, rules::BEYOND_HORIZON, message, help.to_owned());
}
