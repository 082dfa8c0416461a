//! A drill that is over, as a person reads it: the run, and what was measured of it.

use super::text::{Ink, Paper, count, span};
use super::{Look, told};
use crate::drill::report::{DrillReport, Repeated};

/// A whole drill.
#[must_use]
pub fn drill(report: &DrillReport, look: Look) -> String {
    let mut paper = Paper::new(look);
    paper.heading("Drill");
    let (word, ink) = if report.right {
        ("right", Ink::Good)
    } else {
        ("WRONG", Ink::Bad)
    };
    let verdict = paper.inked(ink, word);
    paper.line(&format!("  {verdict}, in {} of real time", span(report.took_seconds)));
    let figures = [
        ("accepted", "orders accepted again", report.accepted_again_seconds),
        ("processed", "orders processed again", report.processed_again_seconds),
    ];
    for (figure, label, seconds) in figures {
        let said = seconds.map_or_else(
            || "not measured".to_owned(),
            |seconds| format!("{seconds:.1} s, measured"),
        );
        let dominates = report
            .dominated_by
            .iter()
            .find(|assumption| assumption.figure == figure);
        let of_which = dominates
            .filter(|_| seconds.is_some())
            .map(|assumption| format!("; {:.1} s of it are {}, modelled", assumption.seconds, assumption.name));
        paper.hanging(
            &format!("  {label:<24}"),
            26,
            Ink::Normal,
            &format!("{said}{}", of_which.unwrap_or_default()),
        );
    }
    let measured = &report.measured;
    let line = format!(
        "{} clients, {} attempts; {} acknowledged orders lost",
        measured.clients,
        count(measured.placed),
        count(measured.acknowledged_and_lost)
    );
    paper.hanging(&format!("  {:<24}", "clients"), 26, Ink::Normal, &line);
    for note in &report.notes {
        paper.paragraph(2, note);
    }
    if !report.not_judged.is_empty() {
        let line = format!(
            "not judged, because it shows only inside an engine: {}",
            report.not_judged.join("; ")
        );
        paper.paragraph(2, &line);
    }
    for trouble in &report.troubles {
        let first = format!("  {}  ", paper.inked(Ink::Bad, "NO"));
        paper.hanging(&first, 6, Ink::Bad, trouble);
    }
    let run = told(&report.run, look, "the engine is measured, AWS is modelled");
    format!("{run}\n{}", paper.finish())
}

/// What several drills add up to.
#[must_use]
pub fn repeated(repeated: &Repeated, look: Look) -> String {
    let mut paper = Paper::new(look);
    paper.heading(&format!("{} drills of {}", repeated.drills, repeated.scenario));
    let ink = if repeated.right == repeated.drills {
        Ink::Good
    } else {
        Ink::Bad
    };
    let line = paper.inked(ink, &format!("{} of {} right", repeated.right, repeated.drills));
    paper.line(&format!("  {line}"));
    let figures = [
        ("orders accepted again", &repeated.accepted_again),
        ("orders processed again", &repeated.processed_again),
    ];
    for (label, spread) in figures {
        let figure = |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1} s"));
        let said = format!(
            "inside {:.0} s in {} of {}; median {}, most {}",
            repeated.budget_seconds,
            spread.inside,
            repeated.drills,
            figure(spread.median_seconds),
            figure(spread.most_seconds)
        );
        paper.hanging(&format!("  {label:<24}"), 26, Ink::Normal, &said);
    }
    let lost = count(repeated.acknowledged_and_lost);
    paper.hanging(
        &format!("  {:<24}", "orders"),
        26,
        Ink::Normal,
        &format!("{lost} acknowledged and lost, in all drills"),
    );
    for note in &repeated.notes {
        paper.paragraph(2, note);
    }
    paper.finish()
}
