//! From the files to AWS, and back: plan, apply, verify, drift, destroy.
//!
//! ```text
//!   policy, deployment file --> World --> stacks (CloudFormation, a change set each)  --+
//!                                   \-> parts (reconcilers of what spans regions) ------+--> graph --> AWS
//! ```
//!
//! Nothing is remembered between two runs. What AWS has is compared with what the files say, each time.

pub mod apply;
mod delegation;
pub mod destroy;
pub mod drift;
pub mod graph;
mod leave_out;
mod parts;
pub mod plan;
mod preflight;
pub mod progress;
mod quotas;
pub mod stacks;
pub mod verify;
mod world;
mod zones;

pub use leave_out::LeftOut;
pub use world::{Exports, World};
