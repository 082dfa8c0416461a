//! Every part at once, played by somebody else behind HTTP: a drill, or a test.
//!
//! An effect is sent whole, as JSON, by `POST <base>/<part>`, and the answer is the core's [`Outcome`] as JSON. A
//! refused connection certainly did not reach anyone, so it is [`Outcome::Failed`]; everything else that goes wrong is
//! unknown. No AWS service speaks this: it exists so that a drill needs none.

use async_trait::async_trait;
use reqwest::{Client, Url};
use understudy_policies::source::name_of;

use super::Executor;
use crate::core::effect::{Effect, Intent, Outcome};
use crate::service::platform::Part;

/// The parts behind one base address, which is this sidecar's own: who asks is known by where it asks.
#[derive(Debug, Clone)]
pub struct StandIn {
    client: Client,
    base: Url,
}

impl StandIn {
    /// The parts behind this address.
    #[must_use]
    pub const fn new(client: Client, base: Url) -> Self {
        Self { client, base }
    }
}

/// The part that an intent is for. Its name is the last part of the address to which it is sent.
#[must_use]
pub const fn part_of(intent: &Intent) -> Part {
    match intent {
        Intent::Lease { .. } => Part::Lease,
        Intent::ReadDatabaseClock
        | Intent::WriteServing { .. }
        | Intent::PromoteDatabase { .. }
        | Intent::SwitchOverDatabase { .. }
        | Intent::DescribeDatabase
        | Intent::RejoinDatabase
        | Intent::ReconcileDatabase => Part::Database,
        Intent::TellPeer(_) => Part::Peers,
        Intent::SetSwitch { .. } | Intent::ReadSwitches => Part::Switches,
        Intent::PinRecord { .. } | Intent::UnpinRecord | Intent::VerifyRouting { .. } => Part::Name,
        Intent::OpenIntake | Intent::OpenProcessing | Intent::CloseOrderPath | Intent::VerifyWrite => Part::OrderPath,
        Intent::RequestApproval(_) | Intent::Announce(_) | Intent::Page(_) => Part::Humans,
    }
}

#[async_trait]
impl Executor for StandIn {
    async fn carry_out(&self, effect: &Effect) -> Outcome {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(name_of(part_of(&effect.intent)));
        }
        let response = match self.client.post(url).json(effect).send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Outcome::Failed,
            Err(_) => return Outcome::TimedOut,
        };
        if !response.status().is_success() {
            return Outcome::TimedOut;
        }
        response.json().await.unwrap_or(Outcome::TimedOut)
    }
}
