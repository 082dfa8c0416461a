//! Reads how something is broken, with the figures that it needs.

use std::time::Duration;

use understudy_policies::source::{Table, name_of};

use super::model::{FaultState, Part, Share};
use super::names::StateName;
use super::read::HORIZON_MAX;
use super::rules;
use super::timing::SPAN_MIN;

const FIGURES: [&str; 6] = ["period", "down-for", "by", "ppm", "share", "backward"];

/// Half the speed and twice the speed: no drifting clock is worse.
const PPM: std::ops::RangeInclusive<i32> = -500_000..=1_000_000;

/// How much later the second copy of a message comes at most, if nothing is said. Assumption.
const SECOND_COPY: Duration = Duration::from_secs(3);

pub(super) fn state(table: &Table<'_>, part: Option<Part>) -> Option<FaultState> {
    let name: Option<StateName> = table.name("state");
    let span = |key: &str| table.optional(key, |value| value.duration(SPAN_MIN..=HORIZON_MAX));
    let (period, down_for, by) = (span("period"), span("down-for"), span("by"));
    let ppm = table.optional("ppm", |value| value.integer(PPM));
    let share = table.optional("share", |value| value.share());
    let backward = table.optional("backward", |value| value.boolean());
    let (name, part) = (name?, part?);
    if !possible(table, part, name) || !all_used(table, part, name) {
        return None;
    }
    let by = || needed(table, "by", by);
    Some(match name {
        StateName::Down => FaultState::Down,
        StateName::Hang => FaultState::Hang,
        StateName::Missing => FaultState::Missing,
        StateName::Open if part == Part::OrderPath => FaultState::LeftOpen {
            clients: share?.map_or(Share::NONE, Share::from_fraction),
        },
        StateName::Open => FaultState::Open,
        StateName::Damaged => FaultState::Damaged,
        StateName::Paused => FaultState::Paused,
        StateName::Detached => FaultState::Detached,
        StateName::Slow => FaultState::Slow { by: by()? },
        StateName::Delayed => FaultState::Delayed { by: by()? },
        StateName::Reordered => FaultState::Reordered { by: by()? },
        StateName::Duplicated if table.has("by") => FaultState::Duplicated { by: by()? },
        StateName::Duplicated => FaultState::Duplicated { by: SECOND_COPY },
        StateName::Stepped => FaultState::Stepped {
            by: by()?,
            backward: backward?.unwrap_or(false),
        },
        StateName::Drifting => FaultState::Drifting {
            ppm: needed(table, "ppm", ppm)?,
        },
        StateName::Lossy => FaultState::Lossy {
            share: Share::from_fraction(needed(table, "share", share)?),
        },
        StateName::Flapping => flapping(table, needed(table, "period", period)?, down_for?)?,
    })
}

/// Reported as a missing key when it is not there: only now is it known to be needed.
fn needed<T>(table: &Table<'_>, key: &str, given: Option<Option<T>>) -> Option<T> {
    match given? {
        Some(given) => Some(given),
        None => table.required(key).and(None),
    }
}

fn all_used(table: &Table<'_>, part: Part, name: StateName) -> bool {
    let used: &[&str] = match name {
        StateName::Flapping => &["period", "down-for"],
        StateName::Slow | StateName::Delayed | StateName::Duplicated | StateName::Reordered => &["by"],
        StateName::Stepped => &["by", "backward"],
        StateName::Drifting => &["ppm"],
        StateName::Lossy => &["share"],
        StateName::Open if part == Part::OrderPath => &["share"],
        _ => &[],
    };
    let mut unused = FIGURES.into_iter().filter(|key| table.has(key) && !used.contains(key));
    let Some(key) = unused.next() else { return true };
    table.refuse_together(
        &[(key, "means nothing for"), ("state", "this")],
        rules::FIGURES,
        format!("`{key}` means nothing for the state `{}`", name_of(name)),
        "remove it: `period` and `down-for` go with `flapping`, `ppm` with `drifting`, `share` with `lossy` and an `order-path`, `by` \
         with `slow`, `delayed`, `duplicated`, `reordered` and `stepped`, `backward` with `stepped`"
            .to_owned(),
    );
    false
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
