//! What sidecars and the observer send each other, as JSON.
//!
//! Every body says which format it is written in, and the oldest one whose readers understand it:
//!
//! ```json
//! {"version": 1, "least": 1, "region": "us-east-1", "sidecar": 2, "sent_ms": 1795444260000}
//! ```
//!
//! A reader takes a body if it reads `least`, and ignores fields that it does not know. So a later format that only adds
//! says `"version": 2, "least": 1`, and sidecars of both formats work together while they are being replaced. One that
//! changes the meaning of something raises `least`, and older readers refuse it with a sentence that says so.
//!
//! - **Format 1**, this one. Regions and witnesses go by the policy's names, never by their positions: two processes may
//!   hold two revisions of the policy for a while. Moments are milliseconds since 1970, durations milliseconds.
//! - **Format 0**: as format 1, without `version`, `least` and `sidecar`.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::core::ids::{Epoch, Nonce, Region};
use crate::core::signal::{Observation, PeerMessage};

/// The format that this process writes.
const WRITES: u32 = 1;
/// The oldest format whose readers understand what this process writes.
const LEAST: u32 = 1;

/// Signals in one body. Whoever has more sends another one.
pub(crate) const SIGNALS_MAX: usize = 64;

/// Why a body is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Not this kind of body.
    #[error("this is not what is sent here: {0}")]
    Malformed(String),
    /// Of a later format.
    #[error(
        "the message needs a reader of format {least}, and this process reads formats 0 to {WRITES}; \
         update this process, or start the sender in the version before"
    )]
    Later { least: u32 },
}

#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    least: u32,
}

/// Reads a body of any format that is understood here.
pub(crate) fn read<Body: DeserializeOwned>(body: &[u8]) -> Result<Body, Unreadable> {
    let malformed = |error: serde_json::Error| Unreadable::Malformed(error.to_string());
    let Format { least } = serde_json::from_slice(body).map_err(malformed)?;
    if least > WRITES {
        return Err(Unreadable::Later { least });
    }
    serde_json::from_slice(body).map_err(malformed)
}

/// `POST /peer/v1/heartbeat`: "a sidecar of this region lives".
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeartbeatBody {
    #[serde(default)]
    version: u32,
    #[serde(default)]
    least: u32,
    pub(crate) region: String,
    pub(crate) sidecar: Option<u16>,
    /// On the sender's wall clock.
    pub(crate) sent_ms: i64,
}

impl HeartbeatBody {
    pub(crate) fn new(region: String, sidecar: u16, sent_ms: i64) -> Self {
        Self {
            version: WRITES,
            least: LEAST,
            region,
            sidecar: Some(sidecar),
            sent_ms,
        }
    }
}

/// `POST /peer/v1/signals`: what the observer saw.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignalsBody {
    #[serde(default)]
    version: u32,
    #[serde(default)]
    least: u32,
    pub(crate) signals: Vec<SignalText>,
}

/// One of the observer's signals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignalText {
    pub(crate) witness: String,
    pub(crate) target: String,
    pub(crate) observation: ObservationText,
    /// On the observer's wall clock.
    pub(crate) observed_ms: i64,
}

/// What the observer can say. It measures no lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ObservationText {
    Healthy,
    Breached,
    Missing,
}

impl From<ObservationText> for Observation {
    fn from(text: ObservationText) -> Self {
        match text {
            ObservationText::Healthy => Self::Healthy,
            ObservationText::Breached => Self::Breached,
            ObservationText::Missing => Self::Missing,
        }
    }
}

impl From<Observation> for ObservationText {
    fn from(observation: Observation) -> Self {
        match observation {
            Observation::Healthy => Self::Healthy,
            Observation::Breached => Self::Breached,
            Observation::Missing | Observation::Lag(_) => Self::Missing,
        }
    }
}

impl SignalsBody {
    pub(crate) const fn new(signals: Vec<SignalText>) -> Self {
        Self {
            version: WRITES,
            least: LEAST,
            signals,
        }
    }
}

/// `POST /peer/v1/messages`: what an engine tells the other region's.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageBody {
    #[serde(default)]
    version: u32,
    #[serde(default)]
    least: u32,
    /// The sender's.
    pub(crate) region: String,
    message: MessageText,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MessageText {
    GrantRequest { epoch: Epoch, nonce: Nonce },
    GrantAnswer { nonce: Nonce, granted_ms: Option<u64> },
}

impl MessageBody {
    pub(crate) fn new(region: String, message: PeerMessage) -> Self {
        let message = match message {
            PeerMessage::GrantRequest { epoch, nonce, .. } => MessageText::GrantRequest { epoch, nonce },
            PeerMessage::GrantAnswer { nonce, granted } => MessageText::GrantAnswer {
                nonce,
                // Rounded down: a promise that is read shorter than it was given is still kept.
                granted_ms: granted.map(|granted| u64::try_from(granted.as_millis()).unwrap_or(u64::MAX)),
            },
        };
        Self {
            version: WRITES,
            least: LEAST,
            region,
            message,
        }
    }

    /// The message, from a sidecar of this region.
    pub(crate) fn message(&self, from: Region) -> PeerMessage {
        match self.message {
            MessageText::GrantRequest { epoch, nonce } => PeerMessage::GrantRequest { from, epoch, nonce },
            MessageText::GrantAnswer { nonce, granted_ms } => PeerMessage::GrantAnswer {
                nonce,
                granted: granted_ms.map(Duration::from_millis),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: Nonce = Nonce {
        incarnation: u64::MAX - 1,
        serial: 7,
    };

    #[test]
    fn what_is_written_is_read_again() {
        let messages = [
            PeerMessage::GrantRequest {
                from: Region::Home,
                epoch: Epoch(4),
                nonce: NONCE,
            },
            PeerMessage::GrantAnswer {
                nonce: NONCE,
                granted: Some(Duration::from_millis(2_500)),
            },
            PeerMessage::GrantAnswer {
                nonce: NONCE,
                granted: None,
            },
        ];
        for message in messages {
            let text = serde_json::to_vec(&MessageBody::new("us-east-1".to_owned(), message)).unwrap();
            let body: MessageBody = read(&text).unwrap();
            assert_eq!(body.message(Region::Home), message);
        }
    }

    #[test]
    fn format_1_stays_as_it_is() {
        let heartbeat = HeartbeatBody::new("us-east-1".to_owned(), 2, 1_795_444_260_000);
        assert_eq!(
            serde_json::to_string(&heartbeat).unwrap(),
            r#"{"version":1,"least":1,"region":"us-east-1","sidecar":2,"sent_ms":1795444260000}"#
        );
        let signals = SignalsBody::new(vec![SignalText {
            witness: "observer-application".to_owned(),
            target: "us-east-1".to_owned(),
            observation: ObservationText::Breached,
            observed_ms: 1_795_444_260_000,
        }]);
        assert_eq!(
            serde_json::to_string(&signals).unwrap(),
            r#"{"version":1,"least":1,"signals":[{"witness":"observer-application","target":"us-east-1","observation":"breached","observed_ms":1795444260000}]}"#
        );
        let answer = PeerMessage::GrantAnswer {
            nonce: NONCE,
            granted: Some(Duration::from_micros(2_500_900)),
        };
        assert_eq!(
            serde_json::to_string(&MessageBody::new("us-east-2".to_owned(), answer)).unwrap(),
            r#"{"version":1,"least":1,"region":"us-east-2","message":{"grant-answer":{"nonce":{"incarnation":18446744073709551614,"serial":7},"granted_ms":2500}}}"#
        );
    }

    #[test]
    fn the_previous_format_and_a_next_one_that_only_adds_are_understood() {
        let bodies = [
            r#"{"region":"us-east-1","sent_ms":5}"#,
            r#"{"version":2,"least":1,"region":"us-east-1","sidecar":2,"sent_ms":5,"mood":{"good":true}}"#,
        ];
        for body in bodies {
            let read: HeartbeatBody = read(body.as_bytes()).unwrap();
            assert_eq!((read.region.as_str(), read.sent_ms), ("us-east-1", 5));
        }
    }

    #[test]
    fn a_later_format_is_refused_with_what_to_do() {
        let body = br#"{"version":3,"least":2,"place":"us-east-1"}"#;
        let refused = read::<HeartbeatBody>(body).unwrap_err();
        assert_eq!(refused, Unreadable::Later { least: 2 });
        assert!(refused.to_string().contains("update this process"));
        assert!(matches!(read::<HeartbeatBody>(b"[]"), Err(Unreadable::Malformed(_))));
    }
}
