//! The codes of everything that can be wrong with a scenario file: US00x its form, US01x its head, US02x its faults,
//! US03x what is expected, US04x when things begin and end, and who is asked.

use understudy_policies::source::Fault;

macro_rules! rules {
    ($($name:ident = $code:literal: $title:literal;)+) => {
        $(#[doc = $title] pub(super) const $name: &str = $code;)+

        /// Every code with what it says.
        pub const ALL: &[(&str, &str)] = &[$(($code, $title)),+];
    };
}

rules! {
    SYNTAX = "US001": "The file is not valid TOML.";
    DUPLICATE_KEY = "US002": "A key is set twice.";
    UNKNOWN_KEY = "US003": "A key means nothing here.";
    MISSING_KEY = "US004": "A required key is missing.";
    WRONG_TYPE = "US005": "A value is of the wrong type.";
    OUT_OF_BOUNDS = "US006": "A value is outside its bounds.";
    NOT_A_DURATION = "US007": "A text is not a duration.";
    UNKNOWN_NAME = "US008": "A text is none of the names allowed here.";
    BAD_TEXT = "US009": "A text does not have the form that it needs.";
    NAME = "US010": "The name is not the file's name.";
    UNKNOWN_POLICY = "US011": "No shipped policy has this name.";
    HORIZON = "US012": "The run ends before anything breaks.";
    ORDER_PATH = "US013": "The order path is not one that an order can take.";
    VARIANT = "US014": "The scenario of which this is a variant is not there.";
    ONSET = "US015": "Nothing breaks at the onset.";
    PLACE = "US020": "The part is not in this place.";
    LINK_ENDS = "US021": "A link needs two different ends, and nothing else has ends.";
    STATE = "US022": "The part cannot be broken in this way.";
    FIGURES = "US023": "The state does not use this figure.";
    UNTIL = "US024": "The fault ends before it begins.";
    BEYOND_HORIZON = "US025": "The fault lies beyond the end of the run.";
    PERIOD = "US026": "A flapping part must be up for some of each period.";
    OVERLAP = "US027": "Two faults of the same thing overlap.";
    UNSOURCED = "US028": "A published fact without a source.";
    EXPECTATION = "US030": "The expectations contradict each other.";
    BEGINNING = "US040": "A beginning is given in two ways.";
    ENDING = "US041": "An end is given in two ways, or counts from a moment that nobody knows.";
    STEP = "US042": "Nothing can begin at a step that asks for nothing.";
    SIDECAR = "US043": "There is no such sidecar.";
    BEFORE_START = "US044": "Something begins before the run does.";
}

/// The code of each fault of form.
pub(super) fn code(fault: Fault) -> &'static str {
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
}
