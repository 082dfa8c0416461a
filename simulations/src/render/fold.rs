//! Condenses a timeline: what repeats itself, as under flapping, is shown once and then counted.

use std::collections::BTreeSet;

use super::news::{News, join_witness, news};
use crate::report::{Kind, TimelineEntry};

/// A line of a condensed timeline.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line<'a> {
    /// Something that happened.
    News(News<'a>),
    /// What was heard before the onset, while everything settled.
    Settling {
        /// How many entries.
        entries: usize,
    },
    /// More of what stands above.
    Folded {
        /// How many entries.
        entries: usize,
        /// When the last of them happened.
        until_seconds: f64,
    },
}

/// Fewer than this are not worth folding: the line that says so takes as much room.
const FOLDED_MIN: usize = 3;

/// Folds what repeats itself. Whatever breaks, mends, moves or completes is always shown, and after it the same things
/// are news again, unless it only mended. `reason` tells apart what reads the same and was decided for another reason.
pub(super) fn condense<'a>(timeline: &'a [TimelineEntry], reason: impl Fn(&News<'a>) -> String) -> Vec<Line<'a>> {
    let (settling, rest): (Vec<_>, Vec<_>) = news(timeline).into_iter().partition(is_settling);
    let mut lines = Vec::new();
    if !settling.is_empty() {
        let entries = settling.iter().map(|news| news.entries).sum();
        lines.push(Line::Settling { entries });
    }
    let mut seen: BTreeSet<(&str, Kind, String, String)> = BTreeSet::new();
    let mut routine: Vec<News<'_>> = Vec::new();
    for news in rest {
        if is_turn(&news) {
            seen.clear();
        }
        let is_new = seen.insert((news.who, news.kind, shape(&news.text), reason(&news)));
        if is_new || is_milestone(news.kind) {
            flush(&mut routine, &mut lines);
            tell(news, &mut lines);
        } else {
            routine.push(news);
        }
    }
    flush(&mut routine, &mut lines);
    lines
}

fn flush<'a>(routine: &mut Vec<News<'a>>, lines: &mut Vec<Line<'a>>) {
    match routine.last() {
        Some(last) if routine.len() >= FOLDED_MIN => lines.push(Line::Folded {
            entries: routine.iter().map(|news| news.entries).sum(),
            until_seconds: last.at_seconds,
        }),
        _ => routine.drain(..).for_each(|news| tell(news, lines)),
    }
    routine.clear();
}

/// Shows it: together with what its engine's other witnesses said just now, or on a line of its own.
fn tell<'a>(news: News<'a>, lines: &mut Vec<Line<'a>>) {
    let told = lines.iter_mut().rev().map_while(|line| match line {
        Line::News(told) => Some(told),
        Line::Settling { .. } | Line::Folded { .. } => None,
    });
    if !join_witness(told, &news) {
        lines.push(Line::News(news));
    }
}

/// Witnesses that report for the first time: every run begins with it.
fn is_settling(news: &News<'_>) -> bool {
    news.at_seconds < 0.0 && matches!(news.kind, Kind::Witness | Kind::Assessment | Kind::Effect)
}

/// After which the same things are news again: but not after each of the many parts that mend one by one.
fn is_turn(news: &News<'_>) -> bool {
    is_milestone(news.kind) && !(news.kind == Kind::Fault && news.text.ends_with(": over"))
}

const fn is_milestone(kind: Kind) -> bool {
    matches!(kind, Kind::Fault | Kind::Database | Kind::Completed | Kind::Violation)
}

/// The text without its figures: `12.1 s` and `12.4 s` are the same news. Figures inside names (`us-east-1`) stay.
fn shape(text: &str) -> String {
    let is_figure = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains('-')
    };
    let words: Vec<&str> = text
        .split(' ')
        .map(|word| if is_figure(word) { "#" } else { word })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at_seconds: f64, kind: Kind, text: &str) -> TimelineEntry {
        TimelineEntry {
            at_seconds,
            who: "us-east-2 engine".to_owned(),
            kind,
            text: text.to_owned(),
        }
    }

    fn without_reasons(timeline: &[TimelineEntry]) -> Vec<Line<'_>> {
        condense(timeline, |_| String::new())
    }

    fn flapping(times: u32) -> Vec<TimelineEntry> {
        (0..times)
            .flat_map(|n| {
                let at = f64::from(n) * 40.0;
                [
                    entry(at, Kind::Witness, "peer-application: breached"),
                    entry(
                        at + 3.0,
                        Kind::Witness,
                        &format!("peer-application: healthy after {n}.5 s"),
                    ),
                ]
            })
            .collect()
    }

    #[test]
    fn flapping_is_shown_once_and_then_counted() {
        let timeline = flapping(100);
        let lines = without_reasons(&timeline);
        assert_eq!(lines.len(), 3);
        assert_eq!(
            lines[2],
            Line::Folded {
                entries: 198,
                until_seconds: 3_963.0
            }
        );
    }

    #[test]
    fn after_a_fault_the_same_things_are_news_again() {
        let mut timeline = flapping(10);
        timeline.push(entry(400.0, Kind::Fault, "us-east-1 lambda: hangs"));
        timeline.extend(flapping(1));
        let lines = without_reasons(&timeline);
        assert!(matches!(lines[2], Line::Folded { entries: 18, .. }));
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn a_few_repetitions_are_not_worth_folding() {
        let timeline = flapping(2);
        assert_eq!(without_reasons(&timeline).len(), 4);
    }

    #[test]
    fn the_same_decision_for_another_reason_is_other_news() {
        let held = |at| entry(at, Kind::Decision, "hold: us-east-1 is assessed as steady");
        let timeline = [held(1.0), held(2.0), held(3.0), held(4.0), held(5.0)];
        let reason = |news: &News<'_>| if news.at_seconds < 5.0 { "quorum" } else { "dwell" };
        let lines = condense(&timeline, |news| reason(news).to_owned());
        assert!(matches!(lines[1], Line::Folded { entries: 3, .. }));
        assert!(matches!(lines[2], Line::News(_)));
    }

    #[test]
    fn what_settles_before_the_onset_is_one_line() {
        let timeline = [
            entry(-299.0, Kind::Witness, "peer-application: healthy"),
            entry(-298.0, Kind::State, "recovering -> steady"),
            entry(-297.0, Kind::Assessment, "us-east-1 is assessed as steady"),
        ];
        let lines = without_reasons(&timeline);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], Line::Settling { entries: 2 });
    }

    #[test]
    fn the_same_news_about_another_region_is_other_news() {
        assert_ne!(shape("us-east-1 is lost"), shape("us-east-2 is lost"));
        assert_eq!(shape("lost after 3.5 s"), shape("lost after 12 s"));
    }

    fn said(at_seconds: f64, who: &str, kind: Kind, text: &str) -> TimelineEntry {
        TimelineEntry {
            who: who.to_owned(),
            ..entry(at_seconds, kind, text)
        }
    }

    fn texts(timeline: &[TimelineEntry]) -> Vec<String> {
        let text = |line| match line {
            Line::News(news) => news.text,
            other => format!("{other:?}"),
        };
        without_reasons(timeline).into_iter().map(text).collect()
    }

    #[test]
    fn witnesses_that_say_the_same_are_told_together() {
        let timeline = [
            said(3.0, "a", Kind::Witness, "peer about us-east-1: breached (was healthy)"),
            said(3.1, "b", Kind::Witness, "peer about us-east-1: breached (was healthy)"),
            said(
                3.2,
                "a",
                Kind::Witness,
                "observer about us-east-1: breached (was healthy)",
            ),
            said(
                3.3,
                "a",
                Kind::Witness,
                "observer about us-east-2: breached (was healthy)",
            ),
        ];
        let told = [
            "peer, observer about us-east-1: breached (was healthy)",
            "peer about us-east-1: breached (was healthy)",
            "observer about us-east-2: breached (was healthy)",
        ];
        assert_eq!(texts(&timeline), told);
    }

    #[test]
    fn what_an_engine_concludes_stays_between_its_witnesses() {
        let timeline = [
            said(3.0, "a", Kind::Witness, "peer about us-east-1: breached (was healthy)"),
            said(
                3.0,
                "a",
                Kind::Assessment,
                "us-east-1 is assessed as degraded (was steady)",
            ),
            said(
                3.2,
                "a",
                Kind::Witness,
                "observer about us-east-1: breached (was healthy)",
            ),
        ];
        assert_eq!(without_reasons(&timeline).len(), 3);
    }
}
