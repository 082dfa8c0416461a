//! What may happen: the policy of a two-region failover, typed, checked and explained.
//!
//! A file goes through three steps: [`source`] reads it with the place of every value, [`policy`] makes the typed
//! [`Policy`] of it, and the checker judges what it means.

pub mod budget;
pub mod check;
pub mod diff;
pub mod duration;
pub mod explain;
pub mod figures;
pub mod layout;
pub mod model;
pub mod policy;
pub mod rules;
pub mod schema;
pub mod shipped;
pub mod source;

pub use check::check;
pub use model::Policy;
