//! A look at a database as a new client has it.
//!
//! Each look opens a connection of its own. A kept one would go on being served by a backend whose postmaster hangs and
//! lets nobody new in; to every client that has to connect again such a database is lost.

use std::sync::Arc;

use async_trait::async_trait;
use tracing::debug;

use super::link;
use super::link::Link;
use super::statements::explained;
use crate::core::ids::Region;
use crate::service::context::Context;
use crate::service::platform::Place;
use crate::service::sources::DatabaseProbe;

/// Looks at the databases of both regions, home first, from a sidecar. The observer has no path to them.
#[must_use]
pub fn both(context: &Context) -> [Option<Arc<dyn DatabaseProbe>>; 2] {
    let Place::Serving(own) = context.place else {
        return [None, None];
    };
    let from = context.region_name(own).as_str();
    Region::BOTH.map(|region| {
        let probe = Probe::new(link(context, region)?, from);
        Some(Arc::new(probe) as Arc<dyn DatabaseProbe>)
    })
}

/// One region's database, looked at from one region.
#[derive(Debug, Clone)]
pub struct Probe {
    link: Arc<Link>,
    sql: String,
}

impl Probe {
    /// `from` names who looks: each prober writes a row of its own.
    #[must_use]
    pub fn new(link: Arc<Link>, from: &str) -> Self {
        // A replica is read. A server that is no replica and takes no writes fails at the write, as it should.
        let from: String = from
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        let sql = format!("select case when pg_is_in_recovery() then null else understudy.write_probe('{from}') end");
        Self { link, sql }
    }
}

#[async_trait]
impl DatabaseProbe for Probe {
    async fn answers(&self) -> bool {
        match self.link.ask_afresh(&self.sql).await {
            Ok(_) => true,
            Err(failure) => {
                debug!(failure = %explained(failure), "the probe");
                false
            }
        }
    }
}
