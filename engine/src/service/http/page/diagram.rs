//! The state machine as a drawing, with the present state marked. The main path only; `docs/state-machine.md` has every
//! edge.

use maud::{Markup, html};

use crate::core::machine::StateName;

/// All of it fits on a telephone.
const WIDTH: f64 = 360.0;
const MARGIN: f64 = 8.0;
/// Room at the right for the ways back.
const LANE: f64 = 26.0;
const PILL: f64 = 24.0;
const GAP: f64 = 6.0;
/// Of a letter, about, in the font of the page.
const LETTER: f64 = 6.3;
/// Between two boxes, for the arrow.
const BETWEEN: f64 = 18.0;

/// How a state looks: `ok`, `warn`, `bad` or `move`.
pub(super) fn tone(state: &str) -> &'static str {
    match state {
        "serving" | "steady" => "ok",
        "suspicious" | "recovering" | "rejoining" | "reconciling" | "soaking" => "warn",
        "blocked" | "self_fenced" | "needs_operator" => "bad",
        _ => "move",
    }
}

/// A box: a superstate with its states, or a state that stands alone.
struct Group {
    name: &'static str,
    top: f64,
    height: f64,
    pills: Vec<Pill>,
}

struct Pill {
    name: &'static str,
    x: f64,
    y: f64,
    width: f64,
}

/// Draws it.
pub(super) fn draw(state: &str) -> Markup {
    let groups = layout();
    let height = groups.last().map_or(0.0, |last| last.top + last.height + MARGIN);
    let right = WIDTH - MARGIN - LANE;
    let inside = groups
        .iter()
        .find(|group| group.pills.iter().any(|pill| pill.name == state));
    let label = match inside {
        Some(group) if group.name != state => {
            format!("The state machine. It is in {state}, which is part of {}.", group.name)
        }
        _ => format!("The state machine. It is in {state}."),
    };
    let middle = |name: &str| {
        let group = groups.iter().find(|group| group.name == name);
        group.map_or(0.0, |group| group.top + group.height / 2.0)
    };
    html! {
        svg .diagram viewBox=(format!("0 0 {WIDTH} {height:.0}")) role="img" aria-labelledby="diagram-title" focusable="false" {
            title #diagram-title { (label) }
            defs {
                marker #tip viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse" {
                    path .tip d="M0 0 L8 4 L0 8 z" {}
                }
            }
            @for group in &groups {
                rect class=(if group.pills.iter().any(|pill| pill.name == state) { "group here" } else { "group" })
                    x=(MARGIN) y=(group.top) width=(right - MARGIN) height=(group.height) rx="6" {}
                @if group.pills.len() > 1 {
                    text .group-name x=(MARGIN + 8.0) y=(group.top + 15.0) { (group.name) }
                }
                @for pill in &group.pills {
                    @let here = pill.name == state;
                    rect class=(if here { "pill here" } else { "pill" }) data-tone=(tone(pill.name))
                        x=(pill.x) y=(pill.y) width=(pill.width) height=(PILL) rx="12" {}
                    text class=(if here { "pill-name here" } else { "pill-name" }) data-tone=(tone(pill.name))
                        x=(pill.x + pill.width / 2.0) y=(pill.y + 16.0) text-anchor="middle" { (pill.name) }
                }
            }
            // From each box to the next: that is the way of a platform through a failover and home.
            @for pair in groups.windows(2).take(5) {
                path .way marker-end="url(#tip)"
                    d=(format!("M{0:.0} {1:.0} V{2:.0}", MARGIN + 40.0, pair[0].top + pair[0].height, pair[1].top - 1.0)) {}
            }
            // Home again, and back to serving with a standby.
            (back(right, middle("handing_back"), middle("standing_by"), 18.0))
            (back(right, middle("unprotected"), middle("holding_lease"), 10.0))
        }
    }
}

fn back(right: f64, from: f64, to: f64, out: f64) -> Markup {
    html! {
        path .way marker-end="url(#tip)" d=(format!("M{right:.0} {from:.0} h{out:.0} V{to:.0} H{:.0}", right + 1.0)) {}
    }
}

/// Places every state of the machine. None is written down here: the order is the machine's own.
fn layout() -> Vec<Group> {
    let mut names: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
    for state in StateName::ALL {
        let group = state.superstate().unwrap_or_else(|| state.name());
        match names.iter_mut().find(|(name, _)| *name == group) {
            Some((_, states)) => states.push(state.name()),
            None => names.push((group, vec![state.name()])),
        }
    }
    let mut top = MARGIN;
    let right = WIDTH - MARGIN - LANE - 8.0;
    let mut groups = Vec::new();
    for (name, states) in names {
        let mut x = MARGIN + 8.0;
        let mut y = top + if states.len() > 1 { 22.0 } else { 7.0 };
        let mut pills = Vec::new();
        for state in states {
            #[expect(clippy::cast_precision_loss, reason = "the length of a name")]
            let width = state.len() as f64 * LETTER + 18.0;
            if x + width > right {
                x = MARGIN + 8.0;
                y += PILL + GAP;
            }
            pills.push(Pill {
                name: state,
                x,
                y,
                width,
            });
            x += width + GAP;
        }
        let height = y + PILL + 7.0 - top;
        groups.push(Group {
            name,
            top,
            height,
            pills,
        });
        top += height + BETWEEN;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_drawn_inside_the_drawing_and_one_is_marked() {
        let groups = layout();
        for state in StateName::ALL {
            let pill = groups
                .iter()
                .flat_map(|group| &group.pills)
                .find(|pill| pill.name == state.name());
            let pill = pill.unwrap_or_else(|| panic!("{} is not drawn", state.name()));
            assert!(pill.x + pill.width <= WIDTH - LANE, "{} is cut off", state.name());
            let drawn = draw(state.name()).into_string();
            assert_eq!(drawn.matches("class=\"pill here\"").count(), 1, "{}", state.name());
        }
    }
}
