//! ARC routing controls instead of the two switches, if the policy's `traffic.method` is `arc`.
//!
//! Two controls, one for each record. Engaging means: primary off, standby on, both in one call, so that no moment has
//! both or neither. Either switch of the core flips the pair; the second call finds it flipped.
//!
//! A cluster has five endpoints in five regions, of which three always answer: they are tried one after the other, from
//! the nearest to the own region. ARC knows no epoch. So the state is read first, and a late call is bounded by its
//! time-out alone; what a write of an older epoch could still do is part of the declared residual.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_route53recoverycluster::Client;
use aws_sdk_route53recoverycluster::types::{RoutingControlState, UpdateRoutingControlStateEntry};
use tokio::time::timeout;
use understudy_policies::model::ArcRoutingControl;

use crate::aws::verdict::{judge, note};
use crate::core::effect::Outcome;
use crate::core::ids::{Epoch, Switch};
use crate::service::parts::Switches;

/// How long one endpoint may take: the flip is to be through in a second, and two may be dead.
const ENDPOINT_TIMEOUT: Duration = Duration::from_millis(400);

/// The pair of controls.
#[derive(Debug)]
pub struct RoutingControls {
    endpoints: Vec<Client>,
    /// Of the primary record, then of the standby's.
    controls: [String; 2],
}

impl RoutingControls {
    /// The controls behind a cluster's endpoints, the nearest first.
    #[must_use]
    pub fn new(endpoints: Vec<Client>, arc: &ArcRoutingControl) -> Self {
        Self {
            endpoints,
            controls: [arc.primary_control.clone(), arc.standby_control.clone()],
        }
    }

    async fn flip(&self, client: &Client, engaged: bool) -> Outcome {
        let mut call = client.update_routing_control_states();
        for (control, on) in self.controls.iter().zip([!engaged, engaged]) {
            let state = if on {
                RoutingControlState::On
            } else {
                RoutingControlState::Off
            };
            let entry = UpdateRoutingControlStateEntry::builder()
                .routing_control_arn(control)
                .routing_control_state(state)
                .build();
            match entry {
                Ok(entry) => call = call.update_routing_control_state_entries(entry),
                Err(_) => return Outcome::Failed,
            }
        }
        match timeout(ENDPOINT_TIMEOUT, call.send()).await {
            Ok(Ok(_)) => Outcome::Done,
            Ok(Err(failure)) => judge("flip the routing controls", &failure).into(),
            Err(_) => Outcome::TimedOut,
        }
    }

    async fn engaged(&self, client: &Client) -> Option<bool> {
        let [primary, standby] = [&self.controls[0], &self.controls[1]].map(|control| async move {
            let call = client.get_routing_control_state().routing_control_arn(control).send();
            let answer = timeout(ENDPOINT_TIMEOUT, call).await.ok()?;
            let answer = answer
                .inspect_err(|failure| note("read a routing control", failure))
                .ok()?;
            Some(answer.routing_control_state == RoutingControlState::On)
        });
        let (primary, standby) = tokio::join!(primary, standby);
        match (primary?, standby?) {
            (false, true) => Some(true),
            (true, false) => Some(false),
            // Somebody set them by hand: neither.
            _ => None,
        }
    }
}

#[async_trait]
impl Switches for RoutingControls {
    async fn set(&self, _: Switch, engaged: bool, _: Epoch, _: u64) -> Outcome {
        let mut worst = Outcome::Failed;
        for client in &self.endpoints {
            match self.flip(client, engaged).await {
                Outcome::Done => return Outcome::Done,
                Outcome::TimedOut => worst = Outcome::TimedOut,
                _ => {}
            }
        }
        worst
    }

    async fn read(&self) -> Outcome {
        for client in &self.endpoints {
            if let Some(engaged) = self.engaged(client).await {
                return Outcome::Switches([Some(engaged); 2]);
            }
        }
        Outcome::Switches([None; 2])
    }
}
