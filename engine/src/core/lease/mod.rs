//! The lease: which region may serve.
//!
//! [`LeaseRecord`] is the item in the lease store, and [`LeaseRecord::apply`] is the exact meaning of every conditional
//! write to it. The DynamoDB adapter renders the same conditions as expressions; the simulator's store and the tests
//! call it directly.

mod keeper;
mod record;

pub(crate) use keeper::{Keeper, Purpose, Settled, Terms, Wish};
pub use record::{Claim, Conflict, Driver, LeaseRecord, LeaseRequest, RoleChange, RoleChangeKind};
