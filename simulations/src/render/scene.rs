//! A drill while it runs: one frame, drawn again and again over the last.

use super::Look;
use super::text::{Ink, Paper, moment, span};
use crate::drill::{Scene, WitnessScene};

/// The longest name of a region.
const REGION: usize = 9;

/// One frame. Never higher than `rows`, so that it can be drawn over.
#[must_use]
pub fn scene(title: &str, scene: &Scene, look: Look, rows: usize) -> String {
    let mut paper = Paper::new(look);
    head(&mut paper, title, scene);
    regions(&mut paper, scene);
    budget(&mut paper, scene);
    witnesses(&mut paper, scene);
    decisions(&mut paper, scene);
    pages(&mut paper, scene);
    let text = paper.finish();
    text.lines()
        .take(rows.max(8))
        .map(|line| clip(line, look.width) + "\n")
        .collect()
}

/// As much of a line as fits: one that wraps around would be drawn over in the wrong place. Colours take no room.
fn clip(line: &str, width: usize) -> String {
    let mut clipped = String::new();
    let mut room = width;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\x1b' {
            clipped.push(letter);
            for letter in letters.by_ref() {
                clipped.push(letter);
                if letter.is_ascii_alphabetic() {
                    break;
                }
            }
        } else if room > 0 {
            clipped.push(letter);
            room -= 1;
        }
    }
    clipped
}

fn head(paper: &mut Paper, title: &str, scene: &Scene) {
    let speed = if (scene.speed - 1.0).abs() < 0.01 {
        "at real time".to_owned()
    } else {
        format!("at {:.0} times the speed of life", scene.speed)
    };
    let since = if scene.since_onset < 0.0 {
        format!("{} to the onset", span(-scene.since_onset))
    } else {
        format!("{} since the onset", moment(scene.since_onset))
    };
    let first = paper.inked(Ink::Bold, title);
    paper.line(&format!("{first}, live: {since}, {speed}"));
    match &scene.faults[..] {
        [] => {
            let line = paper.inked(Ink::Good, "nothing is at fault");
            paper.line(&format!("  {line}"));
        }
        faults => {
            for fault in faults.iter().take(3) {
                let line = paper.inked(Ink::Warn, &format!("! {fault}"));
                paper.line(&format!("  {line}"));
            }
        }
    }
}

fn regions(paper: &mut Paper, scene: &Scene) {
    paper.heading("Regions");
    for sidecar in &scene.sidecars {
        let (state, ink) = match (sidecar.state, sidecar.suspended) {
            (None, _) => ("not running", Ink::Dim),
            (Some(_), true) => ("suspended", Ink::Dim),
            (Some(state), false) => (state, ink_of_state(state)),
        };
        let state = paper.inked(ink, state);
        paper.line(&format!("  {:<20} {state}", sidecar.who));
    }
    let (holder, epoch) = scene.holder;
    let claim = scene
        .claimed_by
        .map(|by| format!(", claimed by {by}"))
        .unwrap_or_default();
    paper.line(&format!("  {:<20} {holder}, epoch {epoch}{claim}", "lease"));
    paper.line(&format!("  {:<20} {}", "public name", scene.answer));
    for (place, orders) in ["us-east-1", "us-east-2"].into_iter().zip(scene.orders) {
        let ink = if orders == "refuses" { Ink::Dim } else { Ink::Good };
        let said = paper.inked(ink, &format!("{orders} orders"));
        paper.line(&format!("  {:<20} {said}", format!("{place} intake")));
    }
    let ink = if scene.able_percent >= 95 { Ink::Good } else { Ink::Bad };
    let bar = bar(paper, scene.able_percent as f64, 100.0, 20);
    let said = paper.inked(ink, &format!("{bar} {:>3} % can place orders", scene.able_percent));
    paper.line(&format!("  {:<20} {said}", "clients"));
}

fn ink_of_state(state: &str) -> Ink {
    match state {
        "serving" | "steady" | "soaking" => Ink::Good,
        "self_fenced" | "needs_operator" | "blocked" => Ink::Bad,
        _ => Ink::Warn,
    }
}

fn budget(paper: &mut Paper, scene: &Scene) {
    let width = paper.width().saturating_sub(46).clamp(10, 48);
    paper.heading(&format!("Budget of {:.0} s, from the onset", scene.budget));
    let labels = ["accepted again", "processed again"];
    for (label, figure) in labels.into_iter().zip(scene.figures) {
        let (at, said, ink) = match figure {
            Some(seconds) if seconds <= scene.budget => (seconds, format!("{seconds:.1} s"), Ink::Good),
            Some(seconds) => (seconds, format!("{seconds:.1} s, OVER"), Ink::Bad),
            None if scene.interrupted && scene.since_onset > 0.0 => (
                scene.since_onset,
                format!("{:.1} s and counting", scene.since_onset),
                Ink::Warn,
            ),
            None => (0.0, "-".to_owned(), Ink::Dim),
        };
        let bar = bar(paper, at, scene.budget, width);
        let said = paper.inked(ink, &format!("{bar} {said}"));
        paper.line(&format!("  {label:<20} {said}"));
    }
}

fn bar(paper: &Paper, value: f64, of: f64, width: usize) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a few columns, neither negative nor large"
    )]
    let filled = ((value / of).clamp(0.0, 1.0) * width as f64).round() as usize;
    let (full, empty) = if paper.fancy() { ("█", "·") } else { ("#", ".") };
    format!("{}{}", full.repeat(filled), empty.repeat(width - filled))
}

fn witnesses(paper: &mut Paper, scene: &Scene) {
    if scene.witnesses.is_empty() {
        return;
    }
    paper.heading(&format!("  {:<26} {:<REGION$}  us-east-2", "Witnesses (* quorum)", "us-east-1").split_off(2));
    for witness in &scene.witnesses {
        let name = format!("{}{}", witness.witness, if witness.quorum { " *" } else { "" });
        let [home, away] = [0, 1].map(|region| said(paper, witness, region));
        paper.line(&format!("  {name:<26} {home}  {away}"));
    }
}

/// What the sidecars make of one witness. Where they differ, the worst of it.
fn said(paper: &Paper, witness: &WitnessScene, region: usize) -> String {
    let says = &witness.says[region];
    let (word, ink) = if says.is_empty() {
        ("-", Ink::Dim)
    } else if says.contains(&"breached") {
        ("breached", Ink::Bad)
    } else if says.contains(&"healthy") {
        ("healthy", Ink::Good)
    } else {
        ("missing", Ink::Dim)
    };
    paper.inked(ink, &format!("{word:<REGION$}"))
}

fn decisions(paper: &mut Paper, scene: &Scene) {
    if scene.decisions.is_empty() {
        return;
    }
    paper.heading("Last decisions");
    let room = paper.width().saturating_sub(14);
    for decision in &scene.decisions {
        let text: String = format!("{}: {}", decision.who, decision.text)
            .chars()
            .take(room)
            .collect();
        paper.line(&format!("  {:>10}  {text}", moment(decision.at_seconds)));
    }
}

fn pages(paper: &mut Paper, scene: &Scene) {
    paper.heading("Status pages");
    for sidecar in &scene.sidecars {
        paper.line(&format!("  {:<20} {}", sidecar.who, sidecar.page));
    }
    let line = paper.inked(Ink::Dim, "Ctrl-C ends the drill and leaves nothing behind");
    paper.line(&line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::SidecarScene;

    fn made_up() -> Scene {
        Scene {
            since_onset: 12.25,
            speed: 1.0,
            faults: vec!["us-east-1 region does not answer".to_owned()],
            holder: ("us-east-1", 1),
            claimed_by: Some("us-east-2"),
            answer: "us-east-1",
            orders: ["refuses", "accepts"],
            sidecars: vec![SidecarScene {
                who: "us-east-1 engine".to_owned(),
                state: Some("serving"),
                suspended: true,
                page: "http://127.0.0.1:4711/".to_owned(),
            }],
            witnesses: vec![WitnessScene {
                witness: "peer-application".to_owned(),
                quorum: true,
                says: [vec!["breached"], vec!["healthy"]],
            }],
            able_percent: 8,
            figures: [None, Some(34.5)],
            interrupted: true,
            budget: 60.0,
            decisions: Vec::new(),
            news: Vec::new(),
        }
    }

    #[test]
    fn a_frame_says_everything_and_is_never_wider_or_higher_than_the_terminal() {
        let look = Look { width: 48, fancy: true };
        let frame = scene("region-loss", &made_up(), look, 20);
        assert_eq!(frame.lines().count(), 20);
        let plain = scene("region-loss", &made_up(), Look::PLAIN, 60);
        for said in [
            "+00:12.250 since the onset",
            "us-east-1 region does not answer",
            "suspended",
            "claimed by us-east-2",
            "12.2 s and counting",
            "34.5 s",
            "8 % can place orders",
            "breached   healthy",
            "http://127.0.0.1:4711/",
        ] {
            assert!(plain.contains(said), "{said}\n{plain}");
        }
        let narrow = scene(
            "region-loss",
            &made_up(),
            Look {
                width: 48,
                fancy: false,
            },
            60,
        );
        assert!(narrow.lines().all(|line| line.chars().count() <= 48), "{narrow}");
    }

    #[test]
    fn clipping_keeps_colours_whole() {
        assert_eq!(clip("\x1b[1mabc\x1b[0m", 2), "\x1b[1mab\x1b[0m");
    }
}
