//! Where the parts of the platform are: one file for every sidecar of both regions and for the observers.
//!
//! The policy says what may happen, and is the same everywhere. The platform file says where: addresses, names, and
//! which adapter talks to which part. It holds no secret; where one is needed, it names the file that holds it.

mod aws;
mod model;
mod read;
mod rules;

pub use aws::{ArcEndpoint, Aws, AwsRegion, PublicRecord, SharedNames};
pub use model::{Part, Place, Platform, Played, RegionParts};
pub use read::read;
pub use rules::ALL as RULES;
