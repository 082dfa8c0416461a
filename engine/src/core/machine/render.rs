//! The edge table as people read it.

use std::collections::{BTreeMap, BTreeSet};

use super::event::StateName;
use super::explore::EdgeRow;

/// The edges as a Mermaid state diagram.
#[must_use]
pub fn mermaid(rows: &[EdgeRow]) -> String {
    let mut text = String::from("stateDiagram-v2\n    [*] --> recovering\n");
    let supers: BTreeSet<&str> = StateName::ALL.iter().filter_map(|state| state.superstate()).collect();
    for name in supers {
        text.push_str(&format!("    state {name} {{\n"));
        for state in StateName::ALL.iter().filter(|state| state.superstate() == Some(name)) {
            text.push_str(&format!("        {}\n", state.name()));
        }
        text.push_str("    }\n");
    }
    let mut labels: BTreeMap<(StateName, StateName), BTreeSet<&'static str>> = BTreeMap::new();
    for row in rows {
        labels
            .entry((row.state, row.target))
            .or_default()
            .insert(row.trigger.name());
    }
    for ((from, to), triggers) in labels {
        let triggers: Vec<_> = triggers.into_iter().collect();
        text.push_str(&format!(
            "    {} --> {} : {}\n",
            from.name(),
            to.name(),
            triggers.join(", ")
        ));
    }
    text
}

/// The page on the state machine: the diagram, and every edge with its trigger, its guard and its sentence.
#[must_use]
pub fn page(rows: &[EdgeRow]) -> String {
    let mut text = String::from(
        "# The state machine\n\n\
         One machine per sidecar, for its own region. This page is derived by exploring the machine through every state, \
         event\nand combination of facts; a test fails when it is out of date. To write it anew:\n\
         `cargo run -p understudy-engine --example state_machine_page > docs/state-machine.md`\n\n\
         `look` is every turn in which the facts may have changed: evidence, lease, guards, time. Edges of a superstate \
         are\nlisted for each of its states.\n\n```mermaid\n",
    );
    text.push_str(&mermaid(rows));
    text.push_str("```\n\n| State | Trigger | Guard | Target | What the operator reads |\n|---|---|---|---|---|\n");
    for row in rows {
        text.push_str(&format!(
            "| `{}` | {} | {} | `{}` | {} |\n",
            row.state.name(),
            row.trigger.name(),
            row.guard,
            row.target.name(),
            row.sentence
        ));
    }
    text
}
