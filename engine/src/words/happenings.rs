//! What the journal tells.

use super::{Names, assessment, decision, duration, intent, intent_name, outcome_name, region, witness_state};
use crate::core::ids::WitnessId;
use crate::core::journal::Happening;
use crate::core::ledger::{Ledger, Phase};
use crate::core::signal::Command;

/// The kind of a happening: `witness`, `assessment`, `state`, `decision`, `command`, `effect`, `outcome`, `completed`,
/// `unhandled`.
#[must_use]
pub const fn kind(what: &Happening) -> &'static str {
    match what {
        Happening::Witness { .. } => "witness",
        Happening::Assessed { .. } => "assessment",
        Happening::Moved { .. } => "state",
        Happening::Decided(_) => "decision",
        Happening::Commanded { .. } | Happening::Signed { .. } => "command",
        Happening::Asked(_) => "effect",
        Happening::Settled { .. } => "outcome",
        Happening::Completed(_) => "completed",
        Happening::Unhandled { .. } => "unhandled",
    }
}

/// A command's name, as the command line has it.
#[must_use]
pub const fn command(command: Command) -> &'static str {
    match command {
        Command::Pause => "pause",
        Command::Resume => "resume",
        Command::Arm => "arm",
        Command::Disarm => "disarm",
        Command::FailOver { accept_loss: false } => "failover",
        Command::FailOver { accept_loss: true } => "failover, accepting a loss above the bound",
        Command::FailBack => "failback",
        Command::Approve => "approve",
        Command::Acknowledge => "acknowledge",
        Command::ShutDown => "shut down",
    }
}

/// What happened, in a sentence. `witness` names a witness.
#[must_use]
pub fn happening<'w>(what: &Happening, names: Names<'_>, witness: impl Fn(WitnessId) -> &'w str) -> String {
    match what {
        Happening::Witness {
            witness: who,
            target,
            from,
            to,
        } => format!(
            "{} about {}: {} (was {})",
            witness(*who),
            region(*target, names),
            witness_state(*to),
            witness_state(*from)
        ),
        Happening::Assessed { target, from, to } => format!(
            "{} is assessed as {} (was {})",
            region(*target, names),
            assessment(*to),
            assessment(*from)
        ),
        Happening::Moved { from, to, edge } => format!("{} -> {}: {}", from.name(), to.name(), edge.sentence()),
        Happening::Decided(made) => decision(made, names),
        Happening::Commanded {
            command: asked,
            refused: None,
        } => format!("{}: carried out", command(*asked)),
        Happening::Commanded {
            command: asked,
            refused: Some(refusal),
        } => format!("{}: {refusal}", command(*asked)),
        Happening::Signed {
            by,
            command: asked,
            reason,
            consent,
        } => {
            let verb = if *consent { "consented to" } else { "asked for" };
            let because = reason.as_ref().map(|reason| format!(", because: {reason}"));
            format!("{by} {verb} {}{}", command(*asked), because.unwrap_or_default())
        }
        Happening::Asked(effect) => {
            let what = intent(&effect.intent, names);
            what.unwrap_or_else(|| intent_name(&effect.intent).to_owned())
        }
        Happening::Settled {
            intent: asked, outcome, ..
        } => {
            let what = intent(asked, names).unwrap_or_else(|| intent_name(asked).to_owned());
            format!("{what}: {}", outcome_name(outcome))
        }
        Happening::Completed(ledger) => completed(ledger),
        Happening::Unhandled { state, event } => format!("no state handles `{}` in {}", event.name(), state.name()),
    }
}

fn completed(ledger: &Ledger) -> String {
    let last = Phase::ALL
        .into_iter()
        .filter_map(|phase| ledger.span(phase)?.ended)
        .max();
    match ledger.first_breach.zip(last) {
        Some((first, last)) => format!(
            "the role change is complete, {} after the first breach",
            duration(last.since(first))
        ),
        None => "the role change is complete".to_owned(),
    }
}
