//! The two switches that turn the PRIMARY record's health.
//!
//! Each is written by a conditional write that carries the epoch and the order in which it was decided, so a write that was
//! held up cannot undo what came after it. `item` is switch A, an item in the standby region's DynamoDB; `object` is
//! switch B, an object in the witness region's S3. Neither needs anything of the home region.
//!
//! What the health checks match is the text of `answer`: `engaged` or `released`.

mod arc;
mod item;
mod object;

use std::fmt::Debug;

use async_trait::async_trait;

pub use arc::RoutingControls;
pub use item::SwitchItem;
pub use object::SwitchObject;

use super::bus::Bus;
use crate::core::effect::Outcome;
use crate::core::ids::{Epoch, Switch};
use crate::decode::{SWITCH_CHANGED, SwitchChange};
use crate::service::clock::Clock;
use crate::service::parts::Switches;

/// What a health check finds in the answer of an engaged switch.
pub const ENGAGED: &str = "engaged";
/// What it finds otherwise. No part of [`ENGAGED`], because a check looks for a part of the answer.
pub const RELEASED: &str = "released";

const fn answer(engaged: bool) -> &'static str {
    if engaged { ENGAGED } else { RELEASED }
}

/// Both switches, each in its place.
#[derive(Debug)]
pub struct TwoSwitches {
    /// Switch A.
    pub item: SwitchItem,
    /// Switch B.
    pub object: SwitchObject,
}

#[async_trait]
impl Switches for TwoSwitches {
    async fn set(&self, switch: Switch, engaged: bool, epoch: Epoch, order: u64) -> Outcome {
        match switch {
            Switch::A => self.item.set(engaged, epoch, order).await,
            Switch::B => self.object.set(engaged, epoch, order).await,
        }
    }

    async fn read(&self) -> Outcome {
        let (a, b) = tokio::join!(self.item.read(), self.object.read());
        Outcome::Switches([a, b])
    }
}

/// Tells both regions of every flip.
#[derive(Debug)]
pub struct Told<S> {
    /// Who flips.
    pub switches: S,
    /// Where it is told.
    pub bus: Bus,
    /// When it was.
    pub clock: Clock,
}

#[async_trait]
impl<S: Switches> Switches for Told<S> {
    async fn set(&self, switch: Switch, engaged: bool, epoch: Epoch, order: u64) -> Outcome {
        let outcome = self.switches.set(switch, engaged, epoch, order).await;
        if outcome == Outcome::Done {
            let change = SwitchChange {
                switch,
                engaged,
                epoch,
                changed: self.clock.wall(),
            };
            self.bus.tell_both(SWITCH_CHANGED, change.detail());
        }
        outcome
    }

    async fn read(&self) -> Outcome {
        self.switches.read().await
    }
}
