//! What exists: the provisioner of the two-region resources.
//!
//! ```text
//!   policy, deployment file --> deployment --> templates, workflow --> stacks   --+
//!                                         \--> spanning (reconcilers)           --+--> deploy --> aws
//!   templates of both regions, whoever generated them --> lint --> findings
//! ```
//!
//! What lives in one region is CloudFormation's, made by [`templates`]; what spans regions, or moves in a failover, is made by
//! the reconcilers of [`spanning`]. [`deploy`] applies both in one order. [`lint`] says what would keep one region from taking
//! over from the other. `docs/requirements.md` (R1 to R10) leads from each requirement to its code and its test.

pub mod aws;
pub mod deploy;
pub mod deployment;
pub mod lint;
pub mod spanning;
pub mod templates;
pub mod workflow;
