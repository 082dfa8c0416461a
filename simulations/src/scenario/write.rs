//! From a typed scenario to a text that is read back the same.

use std::fmt::Display;
use std::fmt::Write as _;
use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_policies::duration;
use understudy_policies::source::{Named, name_of};

use super::model::{Expect, Fault, FaultState, Operation, Origin, Part, Place, Scenario, Share, Subject};
use super::names::{GuardName, MachineState, command_name, step_name};
use crate::invariants;

/// Writes a scenario file, with comments above it.
#[must_use]
pub fn write(scenario: &Scenario, comments: &[String]) -> String {
    let mut file = File(String::new());
    for comment in comments {
        for line in comment.lines() {
            file.line(format!("# {line}").trim_end());
        }
    }
    if !comments.is_empty() {
        file.line("");
    }
    file.text("name", &scenario.name);
    file.text("title", &scenario.title);
    file.optional("theme", scenario.theme.map(|theme| quoted(name_of(theme))));
    file.optional("variant-of", scenario.variant_of.as_deref().map(quoted));
    file.optional("start", moment(scenario));
    file.span("onset", scenario.onset);
    file.span("horizon", scenario.horizon);
    let parts: Vec<String> = scenario.order_path.iter().map(|part| quoted(part.name())).collect();
    file.value("order-path", format!("[{}]", parts.join(", ")));
    file.text("policy", &scenario.policy);
    file.optional(
        "begins-in",
        (scenario.begins_in != Region::Home).then(|| region(scenario.begins_in)),
    );
    file.optional("mode", scenario.mode.map(|mode| quoted(name_of(mode))));
    file.optional("approval-after", scenario.approval_after.map(span));
    file.optional("sidecars", scenario.sidecars);
    file.optional("stretching-resolvers", scenario.stretching_resolvers.map(share));
    file.optional("seed", scenario.seed);
    if !scenario.sources.is_empty() {
        let sources: Vec<String> = scenario.sources.iter().map(|source| quoted(source)).collect();
        file.value("sources", format!("[{}]", sources.join(", ")));
    }
    expect(&mut file, &scenario.expect);
    for it in &scenario.operations {
        operation(&mut file, it);
    }
    for it in &scenario.faults {
        fault(&mut file, it);
    }
    file.0
}

/// The text of a file as it grows.
struct File(String);

impl File {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn table(&mut self, name: &str) {
        self.line("");
        self.line(name);
    }

    fn value(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{key} = {value}"));
    }

    fn optional(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.value(key, value);
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        self.value(key, quoted(text));
    }

    fn name(&mut self, key: &str, name: impl Named) {
        self.text(key, name_of(name));
    }

    fn span(&mut self, key: &str, length: Duration) {
        self.value(key, span(length));
    }

    /// What is false is what is left out.
    fn flag(&mut self, key: &str, flag: bool) {
        if flag {
            self.value(key, true);
        }
    }
}

fn expect(file: &mut File, expect: &Expect) {
    file.table("[expect]");
    file.name("decision", expect.decision);
    file.optional("ends-in", expect.ends_in.map(region));
    file.optional("no-failback-before", expect.no_failback_before.map(span));
    file.optional("failback-by", expect.failback_by.map(span));
    file.flag("within-budget", expect.within_budget);
    file.flag("uninterrupted", expect.uninterrupted);
    file.optional("interrupted-max", expect.interrupted_max.map(span));
    file.optional("failovers", expect.failovers);
    file.optional(
        "blocked-by",
        expect.blocked_by.map(|guard| quoted(name_of(GuardName(guard)))),
    );
    file.optional("needs-operator", expect.needs_operator);
    file.optional("orders-lost-max", expect.orders_lost_max);
    if !expect.breaks.is_empty() {
        let broken = expect.breaks.iter().filter_map(|name| invariants::named(name));
        let keys: Vec<String> = broken.map(|invariant| quoted(&invariant.key())).collect();
        file.value("breaks", format!("[{}]", keys.join(", ")));
    }
    file.text("because", &expect.because);
}

fn operation(file: &mut File, operation: &Operation) {
    file.table("[[operator]]");
    beginning(file, operation.origin, operation.at);
    file.value("region", region(operation.region));
    file.optional("sidecar", operation.sidecar);
    file.text("command", command_name(operation.command));
    file.text("note", &operation.note);
}

fn fault(file: &mut File, fault: &Fault) {
    file.table("[[fault]]");
    subject(file, fault.subject);
    file.text("state", fault.state.name());
    state(file, fault.state);
    beginning(file, fault.origin, fault.at);
    match (fault.origin, fault.until) {
        (_, None) => {}
        (Origin::Onset, Some(until)) => file.span("until", until),
        (_, Some(until)) => file.span("lasts", until.saturating_sub(fault.at)),
    }
    file.name("evidence", fault.evidence);
    file.text("note", &fault.note);
}

fn beginning(file: &mut File, origin: Origin, at: Duration) {
    match origin {
        Origin::Onset => return file.span("at", at),
        Origin::BeforeOnset(before) if at < before => return file.span("before-onset", before - at),
        Origin::BeforeOnset(before) => return file.span("at", at - before),
        Origin::Step(step) => file.text("at-step", step_name(step)),
        Origin::State(state) => file.name("at-state", MachineState(state)),
    }
    if !at.is_zero() {
        file.span("after", at);
    }
}

fn subject(file: &mut File, subject: Subject) {
    match subject {
        Subject::Part { part, place } => {
            file.name("part", part);
            file.name("region", place);
        }
        Subject::Sidecar { place, number } => {
            file.name("part", Part::Sidecars);
            file.name("region", place);
            file.value("sidecar", number);
        }
        Subject::Link { from, to, both_ways } => {
            file.text("part", "link");
            if both_ways {
                file.value("between", format!("[{}, {}]", quoted(from.name()), quoted(to.name())));
            } else {
                file.name("from", from);
                file.name("to", to);
            }
        }
    }
}

/// The figures of a state.
fn state(file: &mut File, state: FaultState) {
    match state {
        FaultState::Flapping { period, down_for } => {
            file.span("period", period);
            file.span("down-for", down_for);
        }
        FaultState::Slow { by }
        | FaultState::Delayed { by }
        | FaultState::Duplicated { by }
        | FaultState::Reordered { by } => file.span("by", by),
        FaultState::Stepped { by, backward } => {
            file.span("by", by);
            file.flag("backward", backward);
        }
        FaultState::Drifting { ppm } => file.value("ppm", ppm),
        FaultState::Lossy { share: lost } => file.value("share", share(lost)),
        FaultState::LeftOpen { clients } => {
            file.optional("share", (clients != Share::NONE).then(|| share(clients)));
        }
        FaultState::Down
        | FaultState::Hang
        | FaultState::Missing
        | FaultState::Open
        | FaultState::Damaged
        | FaultState::Paused
        | FaultState::Detached => {}
    }
}

fn moment(scenario: &Scenario) -> Option<String> {
    let start = jiff::Timestamp::from_millisecond(scenario.start.as_millis()).ok()?;
    Some(quoted(&start.to_string()))
}

fn span(span: Duration) -> String {
    quoted(&duration::format(span))
}

fn region(region: Region) -> String {
    quoted(Place::from(region).name())
}

/// As a number between 0 and 1, exact.
fn share(share: Share) -> String {
    let digits = format!("{:06}", share.millionths());
    match digits.len() {
        6 => format!("0.{digits}"),
        _ => "1.0".to_owned(),
    }
}

/// A basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use understudy_policies::source::Source;

    use super::*;
    use crate::scenario::{read, shipped};

    fn again(scenario: &Scenario) -> Scenario {
        let text = write(scenario, &["what it is about".to_owned()]);
        let source = Source::new(&format!("{}.toml", scenario.name), &text);
        read(&source).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"))
    }

    #[test]
    fn every_shipped_scenario_is_read_back_as_it_was_written() {
        for shipped in shipped::ALL {
            let scenario = shipped.scenario().unwrap();
            assert_eq!(again(&scenario), scenario);
        }
    }

    #[test]
    fn every_key_of_the_format_is_written_as_it_is_read() {
        let text = include_str!("../../tests/files/everything.toml");
        let scenario = read(&Source::new("everything.toml", text)).unwrap();
        assert!(!scenario.operations.is_empty());
        assert_eq!(again(&scenario), scenario);
    }

    #[test]
    fn texts_keep_their_quotes_backslashes_and_control_characters() {
        let mut scenario = shipped::ALL[0].scenario().unwrap();
        scenario.expect.because = "it said \"no\" \\ and\nthen\t\u{7f} \u{1}".to_owned();
        assert_eq!(again(&scenario), scenario);
    }
}
