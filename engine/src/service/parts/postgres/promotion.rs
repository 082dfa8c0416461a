//! Making the own region's standby the writer.
//!
//! A promotion is asked for once and then watched, so that neither a connection that breaks off nor a postmaster that
//! hangs for a while turns one that happens into one that failed. Whoever asks for it again only watches.
#![expect(
    clippy::disallowed_types,
    reason = "the shell is where threads meet; the core behind it sees none of this"
)]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tracing::{error, info};

use super::link::{Failure, Link};
use super::{Postgres, outcome};
use crate::core::effect::Outcome;
use crate::core::time::Timestamp;

/// How often a promotion is looked at. A small standby needs 30 to 90 ms.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// After a look that failed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// A promotion that was asked for and has not happened counts as under way for as many times its limit.
const LIMITS_UNDER_WAY: u32 = 3;

/// Until when a promotion that was asked for may still happen.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Option<Timestamp>>>);

impl Asked {
    pub(super) fn set(&self, until: Option<Timestamp>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    pub(super) fn may_happen(&self, now: Timestamp) -> bool {
        let asked = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.is_some_and(|until| now < until)
    }
}

impl Postgres {
    pub(super) async fn promote_own(&self) -> Outcome {
        match self.own() {
            Ok(own) => self.promote(own).await,
            Err(failure) => outcome(&failure),
        }
    }

    /// Promotes one region's database, and waits until it takes writes.
    pub(super) async fn promote(&self, link: &Link) -> Outcome {
        let give_up = self.clock.boot().after(self.limits.promotion);
        let mut asked = false;
        loop {
            let pause = match link.standing().await {
                Ok(standing) if standing.writable => {
                    self.asked.set(None);
                    info!("the database takes writes");
                    return Outcome::Done;
                }
                Ok(standing) if standing.in_recovery && !asked => {
                    let under_way = self.clock.boot().after(self.limits.promotion * LIMITS_UNDER_WAY);
                    self.asked.set(Some(under_way));
                    match ask(link).await {
                        Asking::Asked => asked = true,
                        Asking::Over => {}
                        Asking::Not(outcome) => {
                            self.asked.set(None);
                            return outcome;
                        }
                    }
                    LOOK_EVERY
                }
                Ok(_) => LOOK_EVERY,
                // Nothing has been asked of it yet, and it cannot be.
                Err(failure) if !asked => return outcome(&as_read(failure)),
                Err(_) => LOOK_AGAIN,
            };
            if self.clock.boot() > give_up {
                return Outcome::TimedOut;
            }
            self.clock.sleep(pause).await;
        }
    }
}

/// What asking came to.
enum Asking {
    /// It was, or may have been.
    Asked,
    /// There is nothing to ask for any more.
    Over,
    Not(Outcome),
}

async fn ask(link: &Link) -> Asking {
    match link.value("select pg_promote(false)").await {
        Ok(_) | Err(Failure::Unanswered { .. }) => Asking::Asked,
        Err(Failure::Refused { code, .. }) if code == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE => Asking::Over,
        Err(failure @ Failure::Refused { .. }) => {
            error!(%failure, "the promotion is refused; run engine/sql/sidecar.sql, which allows it");
            Asking::Not(Outcome::Refused)
        }
        Err(failure) => Asking::Not(outcome(&failure)),
    }
}

/// A look that was not answered has changed nothing.
fn as_read(failure: Failure) -> Failure {
    match failure {
        Failure::Unanswered { region } => Failure::Unreachable {
            region,
            because: "it does not answer".to_owned(),
        },
        other => other,
    }
}
