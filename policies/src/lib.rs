//! What may happen: the policy of a two-region failover, typed, checked and explained.

pub mod duration;
pub mod model;

pub use model::Policy;
