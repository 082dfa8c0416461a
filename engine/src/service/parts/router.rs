//! Some parts are real, and some are played by a drill.

use async_trait::async_trait;

use super::stand_in::{StandIn, part_of};
use super::{Executor, Parts};
use crate::core::effect::{Effect, Outcome};
use crate::service::platform::Part;

/// Sends each effect to whoever has its part.
#[derive(Debug, Clone)]
pub struct Router {
    /// The real parts.
    pub parts: Parts,
    /// Who plays others, and which.
    pub played: Option<(StandIn, Vec<Part>)>,
}

#[async_trait]
impl Executor for Router {
    async fn carry_out(&self, effect: &Effect) -> Outcome {
        match &self.played {
            Some((stand_in, played)) if played.contains(&part_of(&effect.intent)) => stand_in.carry_out(effect).await,
            _ => self.parts.carry_out(effect).await,
        }
    }
}
