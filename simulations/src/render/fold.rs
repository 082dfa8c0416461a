//! Condenses a timeline: what repeats itself, as under flapping, is shown twice and then counted.

use std::collections::BTreeMap;

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

/// How often the same thing is shown before it counts as routine.
const SHOWN: usize = 2;
/// Fewer than this are not worth folding: the line that says so takes as much room.
const FOLDED_MIN: usize = 3;

/// Folds what repeats itself. Whatever breaks, mends, moves or completes is always shown, and after it the same things
/// are news again.
pub(super) fn condense(timeline: &[TimelineEntry]) -> Vec<Line<'_>> {
    let (settling, rest): (Vec<_>, Vec<_>) = news(timeline).into_iter().partition(is_settling);
    let mut lines = Vec::new();
    if !settling.is_empty() {
        let entries = settling.iter().map(|news| news.entries).sum();
        lines.push(Line::Settling { entries });
    }
    let mut seen: BTreeMap<(&str, Kind, String), usize> = BTreeMap::new();
    let mut routine: Vec<News<'_>> = Vec::new();
    for news in rest {
        if is_milestone(news.kind) {
            seen.clear();
        }
        let times = seen.entry((news.who, news.kind, shape(&news.text))).or_default();
        *times += 1;
        if *times > SHOWN && !is_milestone(news.kind) {
            routine.push(news);
        } else {
            flush(&mut routine, &mut lines);
            tell(news, &mut lines);
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
    fn flapping_is_shown_twice_and_then_counted() {
        let timeline = flapping(100);
        let lines = condense(&timeline);
        assert_eq!(lines.len(), 5);
        assert_eq!(
            lines[4],
            Line::Folded {
                entries: 196,
                until_seconds: 3_963.0
            }
        );
    }

    #[test]
    fn after_a_fault_the_same_things_are_news_again() {
        let mut timeline = flapping(10);
        timeline.push(entry(400.0, Kind::Fault, "us-east-1 lambda: hangs"));
        timeline.extend(flapping(1));
        let lines = condense(&timeline);
        assert!(matches!(lines[4], Line::Folded { entries: 16, .. }));
        assert_eq!(lines.len(), 8);
    }

    #[test]
    fn a_few_repetitions_are_not_worth_folding() {
        let timeline = flapping(3);
        assert_eq!(condense(&timeline).len(), 6);
    }

    #[test]
    fn what_settles_before_the_onset_is_one_line() {
        let timeline = [
            entry(-299.0, Kind::Witness, "peer-application: healthy"),
            entry(-298.0, Kind::State, "recovering -> steady"),
            entry(-297.0, Kind::Assessment, "us-east-1 is assessed as steady"),
        ];
        let lines = condense(&timeline);
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
        condense(timeline).into_iter().map(text).collect()
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
        assert_eq!(condense(&timeline).len(), 3);
    }
}
