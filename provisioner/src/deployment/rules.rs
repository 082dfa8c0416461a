//! What can be wrong with a deployment file, each with a code of its own.

use understudy_policies::source::Fault;

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its code.
    pub code: &'static str,
    /// What it says, in a line.
    pub title: &'static str,
    /// Why it is there.
    pub why: &'static str,
    /// How to mend it.
    pub mend: &'static str,
}

impl Rule {
    /// How to mend it, as a diagnostic has it: without a capital and a full stop.
    #[must_use]
    pub fn help(&self) -> String {
        let mend = self.mend.strip_suffix('.').unwrap_or(self.mend);
        let mut letters = mend.chars();
        let first = letters.next();
        first.map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
    }
}

macro_rules! rules {
    ($($name:ident = $code:literal: $title:literal, why $why:literal, mend $mend:literal;)+) => {
        $(
            #[doc = $title]
            pub const $name: Rule = Rule { code: $code, title: $title, why: $why, mend: $mend };
        )+

        /// Every rule, by code.
        pub const ALL: &[Rule] = &[$($name),+];
    };
}

rules! {
    SYNTAX = "UD001": "The file is not valid TOML.",
        why "A line that cannot be read could hold any setting.",
        mend "Write `key = value`, texts in double quotes, tables as `[name]`, tags as `[[tag]]`.";
    DUPLICATE_KEY = "UD002": "A key is set twice.",
        why "Which of two values was meant cannot be known.",
        mend "Keep one of the two.";
    UNKNOWN_KEY = "UD003": "A key means nothing here.",
        why "A mistyped key would leave the platform with another setting than the file shows.",
        mend "Correct the spelling, or remove the line.";
    MISSING_KEY = "UD004": "A required key is missing.",
        why "There are no defaults: what the file says is what is built.",
        mend "Add the key; the shipped example shows every one.";
    WRONG_TYPE = "UD005": "A value is of the wrong type.",
        why "Values are never converted.",
        mend "Write what the message names.";
    OUT_OF_BOUNDS = "UD006": "A value is outside its bounds.",
        why "The bounds are AWS's own, or keep a typing error from becoming a bill.",
        mend "Choose a value inside the bounds that the message names.";
    NOT_A_DURATION = "UD007": "A text is not a duration.",
        why "Durations carry their units.",
        mend "Write whole numbers with units, like `10s` or `1m30s`.";
    UNKNOWN_NAME = "UD008": "A text is none of the names allowed here.",
        why "Each name stands for one way of building; an unknown one stands for none.",
        mend "Write one of the names that the message lists.";
    BAD_TEXT = "UD009": "A text does not have the form that it needs.",
        why "It ends up in names, addresses and calls as it is written.",
        mend "Write it in the form that the message names.";
    VERSION = "UD010": "The file was written for another version of the format.",
        why "The same key could mean something else there.",
        mend "Use the release that the file was written for, or bring the file up to this version.";
    OTHER_SUFFIX = "UD101": "The file is of another environment than the command line names.",
        why "The one would be changed in the place of the other.",
        mend "Name the file of that environment with `--deployment`, or its suffix with `--env`.";
    NAME_TOO_LONG = "UD102": "A name gets too long with this suffix.",
        why "AWS refuses it, in the middle of a deployment.",
        mend "Take a shorter suffix.";
    OVERLAP = "UD201": "Two ranges of addresses overlap.",
        why "The networks are peered: an address that is in both leads to one of the two, and nobody says to which.",
        mend "Take ranges that have no address in common.";
    OUTSIDE = "UD202": "A subnet is not inside its network.",
        why "AWS refuses it.",
        mend "Take a part of the network's range.";
    OTHER_ZONES = "UD203": "A zone is of another region than the subnet.",
        why "AWS refuses it, in the middle of a deployment.",
        mend "Name zones of the region itself, by their ids.";
    UNKNOWN_REGION = "UD301": "The policy names a region in which the platform cannot run.",
        why "It is no region of AWS, or one that lacks a service that is needed.",
        mend "Name another region in the policy's `[regions]`.";
    EQUAL_REGIONS = "UD302": "Two of the policy's regions are the same.",
        why "What is lost with a region cannot be kept in it.",
        mend "Name three different regions in the policy's `[regions]`.";
    OTHER_PARTITION = "UD303": "The policy's regions are in different partitions of AWS.",
        why "Accounts, roles and networks end at a partition: nothing of the one can be seen from the other.",
        mend "Name three regions of one partition in the policy's `[regions]`.";
    OTHER_ZONE = "UD401": "The public name is not inside the zone.",
        why "The zone's records would never be asked for.",
        mend "Take a name that ends with the zone's domain.";
    RESERVED_TAG = "UD402": "A tag that is set twice, or that is not the file's to set.",
        why "The provisioner knows its own resources by its own tag, and AWS keeps `aws:` for itself.",
        mend "Remove the tag.";
    ONE_REGISTRY = "UD403": "Both regions fetch the engine from one.",
        why "When that region is lost, a sidecar of the other one that has to start again cannot.",
        mend "Write `{region}` where the image names a region, and let ECR replicate the image.";
    ENGINE_ALONE = "UD404": "The engine is to run where it cannot see what it has to see.",
        why "Its sidecars ask both regions' health paths by name, Route 53, and an address outside both regions.",
        mend "Add `[domain]` and `[egress]`, or take `[engine]` out and run the engine elsewhere.";
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
