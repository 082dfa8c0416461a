//! Why an event was rejected, and what to do about it.

use std::fmt;

use super::limits::BODY_BYTES_MAX;

/// An event that was not decoded. It reaches nothing but the counters and the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{layer}{reason}")]
pub struct Rejection {
    /// In which of the nested envelopes. Paths, lines and columns count from its beginning.
    pub layer: Layer,
    /// What is wrong with it.
    pub reason: Reason,
}

/// One of the envelopes around an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The body as it was received.
    Body,
    /// The text in `Message` of an SNS notification.
    SnsMessage,
    /// The object in `data` of a CloudEvent.
    CloudEventData,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "",
            Self::SnsMessage => "in the SNS `Message`: ",
            Self::CloudEventData => "in the CloudEvents `data`: ",
        })
    }
}

/// What is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The body is larger than any service of AWS would deliver.
    #[error(
        "the body has {bytes} bytes, more than {}; send one event per message",
        BODY_BYTES_MAX
    )]
    Oversized {
        /// Its size.
        bytes: usize,
    },
    /// The body is not text.
    #[error("the body is not UTF-8 from byte {at} on; send JSON text")]
    NotUtf8 {
        /// Bytes before the first wrong one.
        at: usize,
    },
    /// The text is JSON of another kind, or none.
    #[error("expected a JSON object, found {found}; send the event itself")]
    NotAnObject {
        /// What the text begins with.
        found: &'static str,
    },
    /// The text ends in the middle.
    #[error("the JSON ends early, at line {line}, column {column}; look for what cut it off on its way")]
    Truncated {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The text is not JSON.
    #[error("not JSON at line {line}, column {column}; send the event as AWS wrote it")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A field that is read stands twice, so that two readers could read two different events.
    #[error("a field stands twice, the second time at line {line}, column {column}; send it once")]
    Duplicate {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// Objects and arrays nest too deep.
    #[error("objects and arrays nest deeper than {limit}; no event of AWS does, so look at what sent it")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// Envelopes are wrapped around envelopes without end.
    #[error("more than {limit} envelopes around each other; subscribe the queue closer to the source")]
    WrappedTooOften {
        /// The limit.
        limit: u8,
    },
    /// None of the envelopes that are known.
    #[error(
        "no known envelope: neither an EventBridge event (`detail-type`), an SNS notification (`Type`), a CloudEvent \
         (`specversion`) nor an alarm message (`AlarmName`); check what is subscribed to this queue"
    )]
    UnknownEnvelope,
    /// An EventBridge event of a type that is not decoded.
    #[error("events of type `{detail_type}` are not decoded; narrow the rule that forwards them")]
    UnknownDetailType {
        /// Its `detail-type`.
        detail_type: Excerpt,
    },
    /// The event says that it is of a type which only another source may send.
    #[error("events of type `{detail_type}` come from `{expected}`, this one from `{found}`; find out who sends it")]
    WrongSource {
        /// Its `detail-type`.
        detail_type: &'static str,
        /// The only source that is believed.
        expected: &'static str,
        /// Its `source`.
        found: Excerpt,
    },
    /// An event of an account that is not the platform's.
    #[error("account `{account}` is not one of the platform's; name it in the configuration or narrow the rule")]
    ForeignAccount {
        /// The account.
        account: Excerpt,
    },
    /// An event of a region in which the platform does not serve.
    #[error("`{path}` is `{region}`, which is neither the primary nor the standby; narrow the rule that forwards it")]
    ForeignRegion {
        /// Where the region stands.
        path: &'static str,
        /// The region.
        region: Excerpt,
    },
    /// An alarm that is no witness of this policy.
    #[error("the alarm `{name}` is no witness of this policy: {because}")]
    UnknownAlarm {
        /// The alarm's name.
        name: Excerpt,
        /// What does not fit.
        because: UnknownAlarm,
    },
    /// A witness's alarm that watches from a region which the policy does not say. Its verdict would be counted in a
    /// failure domain that it does not stand in.
    #[error(
        "the alarm `{name}` must be in `{expected}` to stand in its failure domain, and is in `{found}`; move the \
         alarm, or change the witness's failure-domain"
    )]
    MisplacedAlarm {
        /// The alarm's name.
        name: Excerpt,
        /// Where the policy has it.
        expected: Excerpt,
        /// Where it is.
        found: Excerpt,
    },
    /// A field is missing or null.
    #[error("`{path}` is missing; send the event complete")]
    MissingField {
        /// Where it should stand.
        path: &'static str,
    },
    /// A field has the wrong type.
    #[error("`{path}` must be {expected}, and is {found}")]
    WrongType {
        /// Where it stands.
        path: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A moment that cannot be read.
    #[error("`{path}` is `{text}`, which is no moment; write it like 2026-11-23T14:30:00.250Z")]
    BadTime {
        /// Where it stands.
        path: &'static str,
        /// What stands there.
        text: Excerpt,
    },
    /// A value that has no meaning here.
    #[error("`{path}` is `{value}`; expected {expected}")]
    UnknownValue {
        /// Where it stands.
        path: &'static str,
        /// What stands there.
        value: Excerpt,
        /// What has a meaning.
        expected: &'static str,
    },
}

/// Why an alarm's name does not lead to a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownAlarm {
    /// The name has another beginning.
    #[error("its name does not begin with that of this environment; narrow the rule that forwards it")]
    Environment,
    /// The name goes on with neither region.
    #[error("its name names neither the primary nor the standby region; narrow the rule that forwards it")]
    Region,
    /// No witness has the name's end.
    #[error("the policy has no such witness; remove the alarm, or add the witness")]
    Witness,
    /// The witness has it, and is of another kind.
    #[error("the witness of this name does not observe by an alarm; rename one of the two")]
    Kind,
}

/// The kinds of [`Reason`], for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the reasons")]
pub enum ReasonKind {
    Oversized,
    NotUtf8,
    NotAnObject,
    Truncated,
    Malformed,
    Duplicate,
    TooDeep,
    WrappedTooOften,
    UnknownEnvelope,
    UnknownDetailType,
    WrongSource,
    ForeignAccount,
    ForeignRegion,
    UnknownAlarm,
    MisplacedAlarm,
    MissingField,
    WrongType,
    BadTime,
    UnknownValue,
}

impl ReasonKind {
    /// All kinds, in the order of their declaration, with their names in metrics.
    pub const ALL: [(Self, &'static str); 19] = [
        (Self::Oversized, "oversized"),
        (Self::NotUtf8, "not-utf8"),
        (Self::NotAnObject, "not-an-object"),
        (Self::Truncated, "truncated"),
        (Self::Malformed, "malformed"),
        (Self::Duplicate, "duplicate"),
        (Self::TooDeep, "too-deep"),
        (Self::WrappedTooOften, "wrapped-too-often"),
        (Self::UnknownEnvelope, "unknown-envelope"),
        (Self::UnknownDetailType, "unknown-detail-type"),
        (Self::WrongSource, "wrong-source"),
        (Self::ForeignAccount, "foreign-account"),
        (Self::ForeignRegion, "foreign-region"),
        (Self::UnknownAlarm, "unknown-alarm"),
        (Self::MisplacedAlarm, "misplaced-alarm"),
        (Self::MissingField, "missing-field"),
        (Self::WrongType, "wrong-type"),
        (Self::BadTime, "bad-time"),
        (Self::UnknownValue, "unknown-value"),
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl Reason {
    /// Which kind of reason it is.
    #[must_use]
    pub const fn kind(&self) -> ReasonKind {
        match self {
            Self::Oversized { .. } => ReasonKind::Oversized,
            Self::NotUtf8 { .. } => ReasonKind::NotUtf8,
            Self::NotAnObject { .. } => ReasonKind::NotAnObject,
            Self::Truncated { .. } => ReasonKind::Truncated,
            Self::Malformed { .. } => ReasonKind::Malformed,
            Self::Duplicate { .. } => ReasonKind::Duplicate,
            Self::TooDeep { .. } => ReasonKind::TooDeep,
            Self::WrappedTooOften { .. } => ReasonKind::WrappedTooOften,
            Self::UnknownEnvelope => ReasonKind::UnknownEnvelope,
            Self::UnknownDetailType { .. } => ReasonKind::UnknownDetailType,
            Self::WrongSource { .. } => ReasonKind::WrongSource,
            Self::ForeignAccount { .. } => ReasonKind::ForeignAccount,
            Self::ForeignRegion { .. } => ReasonKind::ForeignRegion,
            Self::UnknownAlarm { .. } => ReasonKind::UnknownAlarm,
            Self::MisplacedAlarm { .. } => ReasonKind::MisplacedAlarm,
            Self::MissingField { .. } => ReasonKind::MissingField,
            Self::WrongType { .. } => ReasonKind::WrongType,
            Self::BadTime { .. } => ReasonKind::BadTime,
            Self::UnknownValue { .. } => ReasonKind::UnknownValue,
        }
    }
}

/// The beginning of something that the event said, fit for a log line: bounded, without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    const CHARS_MAX: usize = 80;

    /// Takes the beginning of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut kept: String = text
            .chars()
            .take(Self::CHARS_MAX)
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        if text.chars().nth(Self::CHARS_MAX).is_some() {
            kept.push('…');
        }
        Self(kept.into())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_bounded_and_keeps_no_control_characters() {
        let hostile = "\u{1b}[2J\r\n".repeat(1_000);
        let shown = Excerpt::of(&hostile).to_string();
        assert!(shown.chars().count() <= Excerpt::CHARS_MAX + 1);
        assert!(!shown.chars().any(char::is_control));
        assert_eq!(Excerpt::of("plain").to_string(), "plain");
    }
}
