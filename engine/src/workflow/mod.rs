//! Failover and failback, held once, as data.
//!
//! The state machine executes these definitions; the provisioner renders them as Step Functions machines and as a
//! break-glass script. A step names the state it belongs to, what it waits for, how long it may take, how often it may
//! be tried, and what its failure leads to.

mod definition;

pub use definition::{Definition, FAILBACK, FAILOVER, OnFailure, Patience, Retry, Step, StepId};
