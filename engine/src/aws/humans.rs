//! Operators, by way of the region's SNS topic, and other programs, by way of EventBridge.

use async_trait::async_trait;
use aws_sdk_sns::Client;
use tracing::info;
use understudy_policies::model::RegionName;

use super::bus::Bus;
use super::verdict::judge;
use crate::core::effect::{Announcement, Gate, Outcome, PageReason};
use crate::core::ids::Epoch;
use crate::decode::{ANNOUNCEMENT, Announced, PAGE, Paged};
use crate::service::clock::Clock;
use crate::service::parts::Humans;

/// SNS refuses longer subjects.
const SUBJECT_CHARS_MAX: usize = 100;

/// Whoever subscribed to the topic of the own region.
#[derive(Debug)]
pub struct Operators {
    /// The topic's client.
    pub client: Client,
    /// The topic.
    pub topic_arn: String,
    /// Where other programs listen.
    pub bus: Bus,
    /// The own region's name.
    pub region_name: RegionName,
    /// When it was said.
    pub clock: Clock,
}

impl Operators {
    async fn publish(&self, subject: &str, message: &str) -> Outcome {
        let subject: String = subject.chars().take(SUBJECT_CHARS_MAX).collect();
        let sent = self
            .client
            .publish()
            .topic_arn(&self.topic_arn)
            .subject(subject)
            .message(message)
            .send()
            .await;
        match sent {
            Ok(_) => Outcome::Done,
            Err(failure) => judge("tell the operators", &failure).into(),
        }
    }
}

#[async_trait]
impl Humans for Operators {
    async fn announce(&self, epoch: Epoch, announcement: Announcement) -> Outcome {
        let announced = Announced {
            announcement,
            epoch,
            region: self.region_name.clone(),
            at: self.clock.wall(),
        };
        self.bus.tell_both(ANNOUNCEMENT, announced.detail());
        let (region, what) = (&self.region_name, of_announcement(announcement));
        self.publish(
            &format!("Understudy {region}: {what}"),
            &format!("{what}\n\nSaid by {region} in epoch {epoch}. `understudy-engine history` shows every step."),
        )
        .await
    }

    async fn page(&self, epoch: Epoch, reason: PageReason) -> Outcome {
        let paged = Paged {
            reason,
            epoch,
            region: self.region_name.clone(),
            at: self.clock.wall(),
        };
        self.bus.tell_both(PAGE, paged.detail());
        let (region, what) = (&self.region_name, of_page(reason));
        self.publish(
            &format!("Understudy {region} needs you: {what}"),
            &format!(
                "{what}\n\nSaid by {region} in epoch {epoch}. `understudy-engine why` shows what was seen, and the smallest \
                 change that would turn it; `understudy-engine status` shows where everything is."
            ),
        )
        .await
    }

    async fn request_approval(&self, epoch: Epoch, gate: Gate) -> Outcome {
        let (region, what) = (&self.region_name, of_gate(gate));
        let sent = self
            .publish(
                &format!("Understudy {region} waits for approval: {what}"),
                &format!(
                    "{what}\n\nThe engine in {region} waits, in epoch {epoch}. Agree with `understudy-engine approve`, on a \
                     sidecar of that region; `understudy-engine pause` stops it from going on."
                ),
            )
            .await;
        if sent != Outcome::Done {
            // Asked again by the core, with its next attempt.
            return sent;
        }
        info!(?gate, "approval was asked for; the command `approve` answers");
        std::future::pending().await
    }
}

const fn of_announcement(announcement: Announcement) -> &'static str {
    match announcement {
        Announcement::FailoverStarted => "a failover has begun: this region takes over",
        Announcement::FailoverCompleted => "the failover is complete: this region serves",
        Announcement::FailoverReverted => "the failover was undone",
        Announcement::FailbackStarted => "the way home has begun",
        Announcement::FailbackCompleted => "the platform is home again",
        Announcement::FailbackRolledBack => "the way home was undone: this region serves on",
    }
}

const fn of_page(reason: PageReason) -> &'static str {
    match reason {
        PageReason::Blocked => "the other region is lost, and a guard forbids the failover",
        PageReason::Loss => "a loss for which the policy asks a human",
        PageReason::StandbyLost => "the standby is lost: this region serves without one",
        PageReason::NeedsOperator => "the engine cannot go on by itself",
        PageReason::SelfFenced => "this region stopped serving by itself",
        PageReason::CannotRead => "this sidecar cannot read where the platform stands",
        PageReason::FailedOver => "the platform failed over to this region",
        PageReason::FailbackFailed => "the way home did not succeed; it is tried again after another soak",
        PageReason::OrdersLost => "acknowledged orders did not survive the failover",
    }
}

const fn of_gate(gate: Gate) -> &'static str {
    match gate {
        Gate::Failover => "a failover to this region",
        Gate::Failback => "the way home",
        Gate::VenueReconciliation => "open orders must be reconciled with the venues before processing resumes",
    }
}
