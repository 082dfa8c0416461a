//! Deploying.

pub mod stacks;
