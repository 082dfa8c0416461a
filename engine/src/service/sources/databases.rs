//! How databases are looked at: over a connection of its own, or by whoever plays them in a drill.
//!
//! A drill that plays the part `database` answers two more questions below the address of that part:
//!
//! | Request | Answer |
//! |--|--|
//! | `GET <played>/database/probe/<region>` | 200 to 299 if that region's database answers, as a writer or as a replica |
//! | `GET <played>/database/lag` | `{"lag_ms": 120}`, the lag of this sidecar's own replica; `{"lag_ms": null}`: it is none |

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Url};
use serde::Deserialize;

use crate::core::effect::Outcome;
use crate::core::ids::Region;
use crate::service::context::Context;
use crate::service::parts::{Database, Parts};
use crate::service::platform::{Part, Place};

/// Looks at one region's database, over a connection of its own.
#[async_trait]
pub trait DatabaseProbe: Debug + Send + Sync {
    /// Whether the database answers as it should: a writer by taking a write, a replica by reading. Asked anew every
    /// interval of the witness, and dropped in the middle when its time-out is over; a connection on which that happened
    /// must not be used again, since it may be half open.
    async fn answers(&self) -> bool;
}

/// Measures how far the own region's replica lags behind.
#[async_trait]
pub(super) trait Replica: Debug + Send + Sync {
    /// None: not a replica, or nobody knows.
    async fn lag(&self) -> Option<Duration>;
}

/// How the databases of both regions are looked at from here.
#[derive(Debug, Clone)]
pub(super) struct Databases {
    /// Home, then away.
    pub(super) probes: [Option<Arc<dyn DatabaseProbe>>; 2],
    pub(super) replica: Option<Arc<dyn Replica>>,
}

impl Databases {
    /// Those that the platform file names. A sidecar acts on the database of its own region; the observer on none.
    pub(super) fn of(context: &Context, parts: Option<&Parts>) -> Self {
        let mut databases = Self {
            probes: context.database_probes.clone(),
            replica: None,
        };
        let played = context.platform.played.as_ref();
        if let Some(played) = played.filter(|played| played.parts.contains(&Part::Database)) {
            let below = |end: &[&str]| {
                let mut url = played.address.clone();
                if let Ok(mut segments) = url.path_segments_mut() {
                    segments.pop_if_empty().push("database").extend(end);
                }
                PlayedDatabase {
                    client: context.fresh.clone(),
                    url,
                }
            };
            for region in Region::BOTH {
                let probe = below(&["probe", context.region_name(region).as_str()]);
                databases.probes[region.index()] = Some(Arc::new(probe));
            }
            databases.replica = Some(Arc::new(below(&["lag"])));
        } else if let (Place::Serving(own), Some(parts)) = (context.place, parts)
            && context.platform.regions[own.index()].database.is_some()
        {
            let database = OwnDatabase(Arc::clone(&parts.database));
            databases.probes[own.index()].get_or_insert_with(|| Arc::new(database.clone()));
            databases.replica = Some(Arc::new(database));
        }
        databases
    }
}

/// The database that the sidecar acts on.
#[derive(Debug, Clone)]
struct OwnDatabase(Arc<dyn Database>);

#[async_trait]
impl DatabaseProbe for OwnDatabase {
    /// A writer tells its clock. A replica does not, and is as healthy as one can be when it follows: otherwise the
    /// standby's own database would look breached for ever, and a loss of the writer like a fault of both regions.
    async fn answers(&self) -> bool {
        matches!(self.0.clock().await, Outcome::DatabaseClock(_)) || self.0.replication_lag().await.is_some()
    }
}

#[async_trait]
impl Replica for OwnDatabase {
    async fn lag(&self) -> Option<Duration> {
        self.0.replication_lag().await
    }
}

/// A database that a drill plays.
#[derive(Debug)]
struct PlayedDatabase {
    client: Client,
    url: Url,
}

#[derive(Deserialize)]
struct PlayedLag {
    lag_ms: Option<u64>,
}

#[async_trait]
impl DatabaseProbe for PlayedDatabase {
    async fn answers(&self) -> bool {
        let answer = self.client.get(self.url.clone()).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

#[async_trait]
impl Replica for PlayedDatabase {
    async fn lag(&self) -> Option<Duration> {
        let answer = self.client.get(self.url.clone()).send().await.ok()?;
        let lag: PlayedLag = answer.error_for_status().ok()?.json().await.ok()?;
        lag.lag_ms.map(Duration::from_millis)
    }
}
