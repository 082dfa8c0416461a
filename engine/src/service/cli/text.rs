//! The answers as text: they fit on a screen, and need no colour.

use std::fmt::{Display, Write as _};

use crate::service::operators::shapes::{
    CommandAnswer, CommandResult, DecisionAnswer, EpisodeAnswer, GuardAnswer, HealthAnswer, HistoryAnswer,
    LedgerAnswer, ShadowAnswer, StatusAnswer, StepAnswer, WhyAnswer, WitnessAnswer,
};
use crate::words::span;

/// Decisions and witnesses that are shown unless all of them are wanted.
const SHOWN: usize = 5;

/// Writes a line. Writing to a string cannot fail.
fn line(text: &mut String, what: impl Display) {
    let _ = writeln!(text, "{what}");
}

pub(super) fn health(health: &HealthAnswer) -> String {
    let mut text = String::new();
    for check in &health.checks {
        let verdict = if check.ok { "ok" } else { "no" };
        line(&mut text, format_args!("{verdict}  {}: {}", check.check, check.seen));
    }
    text
}

pub(super) fn status(status: &StatusAnswer) -> String {
    let mut text = String::new();
    let mode = status.mode.to_uppercase();
    let paused = if status.paused { ", PAUSED" } else { "" };
    let drives = if status.drives {
        "drives its region"
    } else {
        "does not drive its region"
    };
    let serving = if status.serving { ", serving" } else { "" };
    line(
        &mut text,
        format_args!(
            "{}, sidecar {}: {mode}{paused}, {drives}{serving}",
            status.region, status.sidecar
        ),
    );
    let state = &status.state;
    line(&mut text, format_args!("  {}: {}", state.name, state.meaning));
    let left = state
        .deadline_in_seconds
        .map(|left| format!(", at most {} more", span(left)));
    let because = state.because.as_ref().map(|because| format!(". {because}"));
    line(
        &mut text,
        format_args!(
            "  for {}{}{}",
            span(state.for_seconds),
            left.unwrap_or_default(),
            because.unwrap_or_default()
        ),
    );
    line(&mut text, "\nWhat needs you");
    if status.needs.is_empty() {
        line(&mut text, "  nothing");
    }
    for need in &status.needs {
        line(
            &mut text,
            format_args!("  {} {}", if need.urgent { "!!" } else { " -" }, need.what),
        );
        line(&mut text, format_args!("     to do: {}", need.todo));
        if let Some(command) = &need.command {
            line(&mut text, format_args!("     {command}"));
        }
    }
    line(&mut text, "\nRegions");
    for region in &status.regions {
        let lease = if region.holds_lease { "holds the lease" } else { "" };
        line(
            &mut text,
            format_args!(
                "  {:<14} {:<8} {lease:<15}  {}: {}",
                region.region, region.role, region.assessment, region.meaning
            ),
        );
    }
    lease(&mut text, status);
    ledger(&mut text, status.ledger.as_ref());
    line(
        &mut text,
        format_args!(
            "\nAs of {}, policy {}, engine {}",
            status.at, status.policy, status.version
        ),
    );
    text
}

fn lease(text: &mut String, status: &StatusAnswer) {
    let lease = &status.lease;
    line(text, "\nLease");
    let holder = lease.holder.as_deref().unwrap_or("nobody that is known");
    let claimed = lease.claimed_by.as_ref().map(|by| format!(", claimed by {by}"));
    line(
        text,
        format_args!(
            "  epoch {}, held by {holder}{}",
            lease.epoch,
            claimed.unwrap_or_default()
        ),
    );
    if let Some(left) = lease.serving_seconds_left {
        line(
            text,
            format_args!("  this region may serve for {} without another renewal", span(left)),
        );
    }
    if let Some(left) = lease.expires_in_seconds {
        line(
            text,
            format_args!("  it runs out in {}, unless it is renewed", span(left)),
        );
    }
    let read = lease
        .read_seconds_ago
        .map_or_else(|| "never".to_owned(), |ago| format!("{} ago", span(ago)));
    line(text, format_args!("  the store answered {read}"));
    let drivers = lease.drivers.iter().map(|driver| {
        let sidecar = driver
            .sidecar
            .map_or_else(|| "nobody".to_owned(), |sidecar| format!("sidecar {sidecar}"));
        format!("{} by {sidecar}", driver.region)
    });
    line(
        text,
        format_args!("  driven: {}", drivers.collect::<Vec<_>>().join(", ")),
    );
    let standby = if lease.protected {
        "could take over"
    } else {
        "could NOT take over"
    };
    line(text, format_args!("  the standby {standby}"));
    if let Some(change) = &lease.role_change {
        line(text, format_args!("  under way: {}, step {}", change.kind, change.step));
    }
    if let Some(lag) = &status.replication_lag {
        line(
            text,
            format_args!(
                "  replication lag {}, heard {} ago",
                span(lag.seconds),
                span(lag.heard_seconds_ago)
            ),
        );
    }
}

fn ledger(text: &mut String, ledger: Option<&LedgerAnswer>) {
    line(text, "\nBudget");
    let Some(ledger) = ledger else {
        line(text, "  no failover is under way, and there was none since the start");
        return;
    };
    let runs = if ledger.running {
        "the clock runs"
    } else {
        "the clock has stopped"
    };
    line(
        text,
        format_args!(
            "  {} of {} since the first breach; {runs}",
            span(ledger.elapsed_seconds),
            span(ledger.budget_seconds)
        ),
    );
    for phase in &ledger.phases {
        let under_way = if phase.running { ", under way" } else { "" };
        line(
            text,
            format_args!(
                "  {:<12} {:>6.1} of {:>5.1} s{under_way}",
                phase.phase, phase.used_seconds, phase.allotted_seconds
            ),
        );
    }
    if let Some(over) = &ledger.overrun {
        line(
            text,
            format_args!("  {} is over its allotment by {}", over.phase, span(over.seconds)),
        );
    }
}

pub(super) fn why(why: &WhyAnswer, all: bool) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("If it had to decide now: {}", why.now.sentence));
    guards(&mut text, &why.now.guards, true);
    if let Some(flip) = &why.now.flip {
        line(&mut text, format_args!("  it would turn with: {flip}"));
    }
    let shown = if all { why.past.len() } else { SHOWN };
    line(&mut text, "\nLast decisions");
    if why.past.is_empty() {
        line(&mut text, "  none since the start");
    }
    for decision in &why.past[why.past.len().saturating_sub(shown)..] {
        self::decision(&mut text, decision, all);
    }
    line(&mut text, "\nWitnesses");
    let loud = |witness: &&WitnessAnswer| {
        all || witness.quorum || witness.verdict == "breached" || witness.flapping || witness.delayed
    };
    let mut quiet = 0;
    for witness in &why.witnesses {
        if !loud(&witness) {
            quiet += 1;
            continue;
        }
        let heard = witness
            .heard_seconds_ago
            .map_or_else(|| "never heard".to_owned(), |ago| format!("heard {} ago", span(ago)));
        let flapping = if witness.flapping { ", flapping" } else { "" };
        let delayed = if witness.delayed { ", delayed" } else { "" };
        let quorum = if witness.quorum { ", quorum" } else { "" };
        line(
            &mut text,
            format_args!(
                "  {:<22} {:<14} {:<9} {heard}{flapping}{delayed} ({}{quorum})",
                witness.witness, witness.region, witness.verdict, witness.failure_domain
            ),
        );
    }
    if quiet > 0 {
        line(
            &mut text,
            format_args!("  and {quiet} more that are outside the quorum and say nothing of note: `--all`"),
        );
    }
    text
}

fn decision(text: &mut String, decision: &DecisionAnswer, all: bool) {
    line(text, format_args!("  {}  {}", decision.at, decision.sentence));
    if all {
        guards(text, &decision.guards, true);
    }
    if let Some(flip) = &decision.flip {
        line(text, format_args!("    it would have turned with: {flip}"));
    }
}

fn guards(text: &mut String, guards: &[GuardAnswer], all: bool) {
    for guard in guards.iter().filter(|guard| all || !guard.passed) {
        let says = if guard.passed { "agrees " } else { "OBJECTS" };
        line(
            text,
            format_args!("    {says} {:<15} {}: {}", guard.guard, guard.subject, guard.saw),
        );
    }
}

pub(super) fn history(history: &HistoryAnswer) -> String {
    let mut text = String::new();
    if history.shortened {
        line(
            &mut text,
            "There was more; the oldest is left out. Ask for a shorter time with `--since`.",
        );
    }
    if history.entries.is_empty() {
        line(
            &mut text,
            format_args!("Nothing was written down since {}.", history.since),
        );
    }
    for entry in &history.entries {
        line(
            &mut text,
            format_args!("{}  {:<10}  {}", entry.at, entry.kind, entry.text),
        );
    }
    text
}

pub(super) fn shadow(shadow: &ShadowAnswer) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("From {} to {}", shadow.since, shadow.until));
    line(&mut text, "\nAn armed engine would have");
    episodes(&mut text, &shadow.would_have, "done nothing");
    line(&mut text, "\nNear misses: suspicions that led to nothing");
    episodes(&mut text, &shadow.near_misses, "none");
    line(&mut text, "\nBlocked by a guard");
    episodes(&mut text, &shadow.blocked, "none");
    line(&mut text, "\nNoisy witnesses");
    if shadow.noisy_witnesses.is_empty() {
        line(&mut text, "  none changed its verdict");
    }
    for noisy in &shadow.noisy_witnesses {
        line(
            &mut text,
            format_args!(
                "  {:<22} {:<14} {:>5} changes, {:>4} breaches ({:.1} a day), {:>4} silences",
                noisy.witness, noisy.region, noisy.changes, noisy.breaches, noisy.breaches_per_day, noisy.silences
            ),
        );
    }
    text
}

fn episodes(text: &mut String, episodes: &[EpisodeAnswer], none: &str) {
    if episodes.is_empty() {
        line(text, format_args!("  {none}"));
    }
    for episode in episodes {
        match &episode.decision {
            Some(decision) => self::decision(text, decision, false),
            None => line(text, format_args!("  {}  {}", episode.began, episode.kind)),
        }
    }
}

pub(super) fn command(answer: &CommandAnswer) -> String {
    let mut text = String::new();
    let result = match answer.result {
        CommandResult::Done => "Done",
        CommandResult::Refused => "Refused",
        CommandResult::ConsentRecorded => "Consent recorded",
        CommandResult::WouldBeDone => "It would be done",
        CommandResult::WouldBeRefused => "It would be refused",
    };
    line(&mut text, format_args!("{result}: {}", answer.sentence));
    // What was done is seen in `status`.
    let plan = answer.result == CommandResult::WouldBeDone;
    guards(&mut text, &answer.guards, plan);
    if plan && !answer.at_once.is_empty() {
        line(&mut text, "  At once:");
        for what in &answer.at_once {
            line(&mut text, format_args!("    {what}"));
        }
    }
    if plan && !answer.steps.is_empty() {
        line(&mut text, "  Then, state by state:");
        steps(&mut text, &answer.steps);
    }
    text
}

pub(super) fn workflow(name: &str, all: &[StepAnswer]) -> String {
    let mut text = format!("{name}\n");
    steps(&mut text, all);
    text
}

fn steps(text: &mut String, steps: &[StepAnswer]) {
    let mut state = "";
    for step in steps {
        if step.state != state {
            state = &step.state;
            line(text, format_args!("    {state}"));
        }
        line(text, format_args!("      {:<20} {}", step.step, step.does));
        let after = if step.after.is_empty() {
            String::new()
        } else {
            format!("after {}; ", step.after.join(", "))
        };
        let gate = step.gate.as_ref().map(|gate| format!("; a gate: {gate}"));
        line(
            text,
            format_args!(
                "      {:<20} {after}bound {}; {}; failure: {}{}",
                "",
                step.bound,
                step.retry,
                step.on_failure,
                gate.unwrap_or_default()
            ),
        );
    }
}
