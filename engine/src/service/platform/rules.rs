//! The codes of everything that can be wrong with a platform file.

use understudy_policies::source::Fault;

macro_rules! rules {
    ($($name:ident = $code:literal: $title:literal;)+) => {
        $(#[doc = $title] pub(super) const $name: &str = $code;)+

        /// Every code with what it says.
        pub const ALL: &[(&str, &str)] = &[$(($code, $title)),+];
    };
}

rules! {
    SYNTAX = "UE001": "The file is not valid TOML.";
    DUPLICATE_KEY = "UE002": "A key is set twice.";
    UNKNOWN_KEY = "UE003": "A key means nothing here.";
    MISSING_KEY = "UE004": "A required key is missing.";
    WRONG_TYPE = "UE005": "A value is of the wrong type.";
    OUT_OF_BOUNDS = "UE006": "A value is outside its bounds.";
    NOT_A_DURATION = "UE007": "A text is not a duration.";
    UNKNOWN_NAME = "UE008": "A text is none of the names allowed here.";
    BAD_TEXT = "UE009": "A text does not have the form that it needs.";
    SECRET = "UE010": "A secret stands in the file itself.";
}

/// The code of each fault of form.
pub(super) const fn code(fault: Fault) -> &'static str {
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
