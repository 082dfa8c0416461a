//! Reads what operators do.

use understudy_policies::gather;
use understudy_policies::source::Table;

use super::expect::serving_region;
use super::fault::{Head, sidecar};
use super::model::{Operation, Place};
use super::names::{CommandName, command_name};

use super::timing::beginning;

const OPERATIONS_MAX: usize = 50;

pub(super) fn operations(table: &Table<'_>, head: Head) -> Option<Vec<Operation>> {
    let read = table.optional("operator", |value| {
        value.list(1..=OPERATIONS_MAX, |value| value.table(|table| operation(table, head)))
    });
    read.map(Option::unwrap_or_default)
}

fn operation(table: &Table<'_>, head: Head) -> Option<Operation> {
    let begins = beginning(table, head);
    gather!(Operation {
        origin: begins.map(|begins| begins.origin),
        at: begins.map(|begins| begins.at),
        region: table.required("region").and_then(|value| serving_region(&value)),
        sidecar: sidecar(table, head),
        command: table.name::<CommandName>("command").map(|name| name.0),
        note: table.text("note"),
    })
}

impl Operation {
    /// `fail-over of us-east-2`, `shut-down of us-east-1 sidecar 2`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let place = Place::from(self.region);
        let which = self.sidecar.map(|number| format!(" sidecar {number}"));
        format!("{} of {place}{}", command_name(self.command), which.unwrap_or_default())
    }
}
