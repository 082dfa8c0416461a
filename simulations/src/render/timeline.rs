//! When, who, what; and under each decision its reasons.

use std::collections::BTreeMap;

use super::fold::{Line, condense};
use super::news::News;
use super::text::{Ink, Paper, count, moment, time_of_day};
use crate::report::{DecisionReport, Kind, Report};

/// From this width on there is room for the wall clock.
const WIDTH_WITH_CLOCK: usize = 100;

/// The columns of the timeline.
#[derive(Debug, Clone, Copy)]
struct Columns {
    clock: bool,
    moment: usize,
    who: usize,
}

impl Columns {
    fn fitting(paper: &Paper, report: &Report) -> Self {
        let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
        Self {
            clock: paper.width() >= WIDTH_WITH_CLOCK,
            moment: widest(&mut report.timeline.iter().map(|entry| moment(entry.at_seconds).len())),
            who: widest(&mut report.timeline.iter().map(|entry| entry.who.chars().count())).min(24),
        }
    }

    const fn indent(self) -> usize {
        let clock = if self.clock { 10 } else { 0 };
        2 + clock + self.moment + 2 + self.who + 2
    }
}

pub(super) fn write(paper: &mut Paper, report: &Report) {
    paper.heading("Timeline, counted from the onset");
    if report.timeline.is_empty() {
        paper.paragraph(2, "nothing happened");
        return;
    }
    let columns = Columns::fitting(paper, report);
    let decisions = Decisions::new(report);
    for line in condense(&report.timeline, |news| decisions.objections(news)) {
        match line {
            Line::News(news) => {
                write_news(paper, report, columns, &news);
                if news.kind == Kind::Decision
                    && let Some(decision) = decisions.find(&news)
                {
                    write_reasons(paper, columns.indent(), decision);
                }
            }
            Line::Settling { entries } => {
                let entries = count(entries as u64);
                write_aside(
                    paper,
                    columns,
                    &format!("... {entries} entries before the onset: everything settles"),
                );
            }
            Line::Folded { entries, until_seconds } => {
                let (entries, until) = (count(entries as u64), moment(until_seconds));
                let text = format!("... {entries} more entries like these until {until}; `--json` has them all");
                write_aside(paper, columns, &text);
            }
        }
    }
}

fn write_aside(paper: &mut Paper, columns: Columns, text: &str) {
    let indent = columns.indent();
    paper.hanging(&" ".repeat(indent), indent, Ink::Dim, text);
}

fn write_news(paper: &mut Paper, report: &Report, columns: Columns, news: &News<'_>) {
    let (mark, ink) = mark(news.kind);
    let clock = if columns.clock {
        let millis = super::text::millis(news.at_seconds).cast_signed();
        let signed = if news.at_seconds < 0.0 { -millis } else { millis };
        format!("{}  ", time_of_day(report.scenario.onset_unix_millis + signed))
    } else {
        String::new()
    };
    let when = format!("{:>width$}", moment(news.at_seconds), width = columns.moment);
    let who = format!("{:<width$}", news.who, width = columns.who);
    let first = format!(
        "{} {}{}  {}  ",
        paper.inked(ink, mark),
        paper.inked(Ink::Dim, &clock),
        paper.inked(Ink::Dim, &when),
        who
    );
    paper.hanging(&first, columns.indent(), ink, &news.text);
}

/// What kind of news it is, as a mark in the margin and as a colour.
const fn mark(kind: Kind) -> (&'static str, Ink) {
    match kind {
        Kind::Fault => ("!", Ink::Warn),
        Kind::Violation | Kind::Unhandled => ("X", Ink::Bad),
        Kind::Decision => (">", Ink::Bold),
        Kind::Completed => ("*", Ink::Good),
        Kind::Human => ("@", Ink::Warn),
        Kind::Clients | Kind::Dns | Kind::Database => (" ", Ink::Calm),
        Kind::Witness | Kind::Assessment | Kind::State | Kind::Effect => (" ", Ink::Normal),
    }
}

/// The guards that matter for this decision, and the smallest change that would have turned it.
fn write_reasons(paper: &mut Paper, indent: usize, decision: &DecisionReport) {
    // A role change is shown with everything it rests on; a refusal with what stood in its way.
    let role_change = decision.findings.iter().all(|finding| finding.passed);
    for finding in decision
        .findings
        .iter()
        .filter(|finding| role_change || !finding.passed)
    {
        let (mark, ink) = if finding.passed {
            ("ok", Ink::Good)
        } else {
            ("no", Ink::Bad)
        };
        let first = format!("{}{}  ", " ".repeat(indent), paper.inked(ink, mark));
        paper.hanging(&first, indent + 4, Ink::Normal, &finding.text);
    }
    if let Some(flip) = &decision.flip {
        let label = "turns if: ";
        let first = format!("{}{}", " ".repeat(indent), paper.inked(Ink::Calm, label));
        paper.hanging(&first, indent + label.len(), Ink::Normal, flip);
    }
}

/// The decisions of a run, to be found by their lines in the timeline.
struct Decisions<'a>(BTreeMap<(&'a str, &'a str, u64), &'a DecisionReport>);

impl<'a> Decisions<'a> {
    fn new(report: &'a Report) -> Self {
        let key = |decision: &'a DecisionReport| {
            let DecisionReport {
                who, text, at_seconds, ..
            } = decision;
            (who.as_str(), text.as_str(), at_seconds.to_bits())
        };
        Self(
            report
                .decisions
                .iter()
                .map(|decision| (key(decision), decision))
                .collect(),
        )
    }

    fn find(&self, news: &News<'_>) -> Option<&'a DecisionReport> {
        self.0
            .get(&(news.who, news.text.as_str(), news.at_seconds.to_bits()))
            .copied()
    }

    /// The guards that objected.
    fn objections(&self, news: &News<'_>) -> String {
        let findings = self.find(news).map_or(&[][..], |decision| &decision.findings);
        let objecting = findings.iter().filter(|finding| !finding.passed);
        objecting.map(|finding| finding.guard).collect::<Vec<_>>().join(" ")
    }
}
