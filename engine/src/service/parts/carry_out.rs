//! From an intent to the part that it is for.

use async_trait::async_trait;

use super::{Executor, Parts};
use crate::core::effect::{Effect, Intent, Outcome};

#[async_trait]
impl Executor for Parts {
    async fn carry_out(&self, effect: &Effect) -> Outcome {
        let Effect { epoch, key, .. } = *effect;
        match effect.intent {
            Intent::Lease { request, nonce } => self.lease.apply(request, nonce, effect.timeout).await,
            Intent::ReadDatabaseClock => self.database.clock().await,
            Intent::WriteServing { valid_until } => self.database.write_serving(epoch, valid_until).await,
            Intent::TellPeer(message) => self.peers.tell(message).await,
            Intent::PromoteDatabase { method } => self.database.promote(method, key).await,
            Intent::SwitchOverDatabase { to } => self.database.switch_over(to, key).await,
            Intent::DescribeDatabase => self.database.describe().await,
            Intent::RejoinDatabase => self.database.rejoin().await,
            Intent::ReconcileDatabase => self.database.reconcile().await,
            Intent::SetSwitch { switch, engaged, order } => self.switches.set(switch, engaged, epoch, order).await,
            Intent::ReadSwitches => self.switches.read().await,
            Intent::PinRecord { to } => self.name.pin(Some(to)).await,
            Intent::UnpinRecord => self.name.pin(None).await,
            Intent::OpenIntake => self.order_path.open_intake(epoch).await,
            Intent::OpenProcessing => self.order_path.open_processing(epoch).await,
            Intent::CloseOrderPath => self.order_path.close(epoch).await,
            Intent::VerifyWrite => self.order_path.verify_write(epoch).await,
            Intent::VerifyRouting { region } => self.name.verify(region).await,
            Intent::RequestApproval(gate) => self.humans.request_approval(epoch, gate).await,
            Intent::Announce(announcement) => self.humans.announce(epoch, announcement).await,
            Intent::Page(reason) => self.humans.page(epoch, reason).await,
        }
    }
}
