//! The state machine: one per sidecar, for its own region.
//!
//! It is pure twice over. It has no clock, and it sees the world only as [`Facts`], a handful of small enums that the
//! core condenses from evidence, lease and guards before every turn. That makes its input space finite, so
//! [`explore`] can walk all of it and derive the edge table that the docs show.

mod edge;
mod event;
mod explore;
mod render;
mod states;

pub use edge::Edge;
pub use event::{Event, EvidenceFact, Facts, RoleChangeFact, StateName, TenureFact};
pub use explore::{EdgeRow, explore};
pub use render::{mermaid, page};
pub use states::{Machine, Taken};
