//! UP0xx: the form of the file.

use super::{Group, Rule};
use crate::source::{Fault, Severity};

rules! {
    Structure;
    SYNTAX = "UP001" Error []: "The file is not valid TOML.",
        why "A line that the parser cannot read could hold any setting, so nothing of the file is used.",
        mend "Write `key = value`, texts in double quotes, tables as `[name]`, witnesses as `[[witness]]`.";
    DUPLICATE_KEY = "UP002" Error []: "A key is set twice.",
        why "Which of two values was meant cannot be known.",
        mend "Keep one of the two.";
    UNKNOWN_KEY = "UP003" Error []: "A key means nothing here.",
        why "A mistyped key that is passed over in silence leaves the engine with another setting than the file shows.",
        mend "Correct the spelling, or remove the line.";
    MISSING_KEY = "UP004" Error []: "A required key is missing.",
        why "There are no defaults: what the file says is what runs.",
        mend "Add the key; the shipped policies show every one, with what it does.";
    WRONG_TYPE = "UP005" Error []: "A value is of the wrong type.",
        why "Values are never converted, so that nothing is adjusted in silence.",
        mend "Write what the message names: durations and names in double quotes, numbers and true or false without.";
    OUT_OF_BOUNDS = "UP006" Error []: "A value is outside its bounds.",
        why "Every number, duration and list has a bound, so that nothing waits, repeats or grows without end.",
        mend "Choose a value inside the bounds that the message names.";
    NOT_A_DURATION = "UP007" Error []: "A text is not a duration.",
        why "Durations carry their units, so that nobody has to know whether a number means seconds or milliseconds.",
        mend "Write whole numbers with units d, h, m, s, ms, largest first: `250ms`, `8s`, `1m30s`, `4h`.";
    UNKNOWN_NAME = "UP008" Error []: "A text is none of the names allowed here.",
        why "Each name stands for one behaviour of the engine; an unknown one stands for none.",
        mend "Write one of the names that the message lists.";
    BAD_TEXT = "UP009" Error []: "A text does not have the form that it needs.",
        why "Names of regions, witnesses and ARC resources end up in calls and in journals as they are written.",
        mend "Write it in the form that the message names.";
    VERSION = "UP010" Error ["version"]: "The file was written for another version of the format.",
        why "The same key could mean something else there.",
        mend "Use the release that the file was written for, or bring the file up to this version.";
}

/// The code of each fault of form.
#[must_use]
pub fn code(fault: Fault) -> &'static str {
    match fault {
        Fault::Syntax => SYNTAX,
        Fault::DuplicateKey => DUPLICATE_KEY,
        Fault::UnknownKey => UNKNOWN_KEY,
        Fault::MissingKey => MISSING_KEY,
        Fault::WrongType => WRONG_TYPE,
        Fault::OutOfBounds => OUT_OF_BOUNDS,
        Fault::NotADuration => NOT_A_DURATION,
        Fault::UnknownName => UNKNOWN_NAME,
        Fault::BadText => BAD_TEXT,
    }
    .code
}
