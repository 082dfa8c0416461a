//! What exists: the provisioner of the two-region resources.
//!
//! Built so far is the two-region linter, [`lint`]: it reads the templates of both regions, whoever generated them, and
//! says what would keep one region from taking over from the other. Stacks and spanning resources are not built yet; see
//! `docs/requirements.md` (R1 to R10) for what they are going to be.

pub mod aws;
pub mod deploy;
pub mod deployment;
pub mod lint;
pub mod spanning;
pub mod templates;
pub mod workflow;
