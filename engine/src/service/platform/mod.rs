//! Where the parts of the platform are: one file for every sidecar of both regions and for the observers.
//!
//! The policy says what may happen, and is the same everywhere. The platform file says where: addresses, names, and
//! which adapter talks to which part. It holds no secret; where one is needed, it names the file that holds it.

mod aws;
mod mask;
mod model;
mod read;
mod rules;

pub use aws::{ArcEndpoint, Aws, AwsRegion, PublicRecord, SharedNames};
pub use model::{Part, Place, Platform, Played, RegionParts, Webhooks};
pub use rules::ALL as RULES;

use understudy_policies::source::{Diagnostics, Source};

/// Reads a platform file.
///
/// # Errors
/// With everything that is wrong with it, at once, each at its place and with how to mend it. Secrets that stand in it
/// are masked, also in the lines that are shown.
pub fn read(source: &Source) -> Result<Platform, Diagnostics> {
    read::read(source).map_err(|found| mask::secrets(&found))
}
