//! Verifying: whether both regions are synchronized (R10.2), point by point, and whether the platform's own criteria for
//! success hold (R10.3).
//!
//! A point is yes, no, or not known. Only "no" makes a deployment fail; what is not known says why, and what would tell.

mod alarms;
mod health;
mod identity;
mod machines;
mod points;
mod probes;

use std::fmt::Write as _;

use serde::Serialize;

pub use alarms::forget;

use super::progress::Report;
use super::world::World;
use crate::aws::Trouble;

/// What a point came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// Nobody could tell.
    Unknown,
}

/// One point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// The requirement, such as `R10.3`.
    pub requirement: &'static str,
    /// What should hold.
    pub what: String,
    /// Where; empty for both regions.
    pub region: String,
    /// What it came to.
    pub verdict: Verdict,
    /// What was seen.
    pub says: String,
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether nothing speaks against it.
    pub synchronized: bool,
    /// Every point.
    pub points: Vec<Point>,
}

/// How old what is looked at may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// This run has changed something: names and checks that say no are asked again for two minutes.
    Fresh,
    /// Nothing was changed: only what says itself that it is too early is asked again.
    Settled,
}

/// Looks at every point. Writes probes: an item in the session table, an object in the configuration bucket, a forced alarm with a
/// queue in each region that hears of it, a dry run of each state machine.
///
/// # Errors
/// When AWS does not tell enough to begin. What fails later is a point.
pub async fn verify(world: &World, age: Age, report: &dyn Report) -> Result<Verification, Trouble> {
    world.reachable().await?;
    let exports = world.exports().await?;
    let mut look = Look {
        world,
        exports,
        fresh: age == Age::Fresh,
        report,
        placeholders: [false; 2],
        points: Vec::new(),
    };
    look.at_stacks().await;
    look.at_names_and_tags().await;
    look.at_spanning().await;
    look.at_roles().await;
    look.at_database().await;
    look.at_sessions().await;
    look.at_objects().await;
    look.at_functions().await;
    look.at_machines().await;
    look.at_alarms().await;
    look.at_endpoints().await;
    look.at_health_checks().await;
    look.at_readiness().await;
    let synchronized = look.points.iter().all(|point| point.verdict != Verdict::No);
    Ok(Verification {
        synchronized,
        points: look.points,
    })
}

/// A look in progress.
pub(super) struct Look<'a> {
    world: &'a World,
    exports: super::world::Exports,
    /// Something was changed just now.
    fresh: bool,
    report: &'a dyn Report,
    /// The regions whose health is told by a placeholder.
    placeholders: [bool; 2],
    points: Vec<Point>,
}

impl Look<'_> {
    fn point(
        &mut self,
        requirement: &'static str,
        what: impl Into<String>,
        region: &(impl std::fmt::Display + ?Sized),
        verdict: Verdict,
        says: impl Into<String>,
    ) {
        self.points.push(Point {
            requirement,
            what: what.into(),
            region: region.to_string(),
            verdict,
            says: says.into(),
        });
    }

    /// A point that could not be looked at.
    fn untold(
        &mut self,
        requirement: &'static str,
        what: &str,
        region: &(impl std::fmt::Display + ?Sized),
        why: &Trouble,
    ) {
        self.point(requirement, what, region, Verdict::No, why.to_string());
    }
}

impl Verification {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let width = |of: fn(&Point) -> &str| self.points.iter().map(|point| of(point).len()).max().unwrap_or(0);
        let (wide, region_wide) = (width(|point| &point.what), width(|point| &point.region).max(4));
        for point in &self.points {
            let verdict = match point.verdict {
                Verdict::Yes => "yes",
                Verdict::No => "NO",
                Verdict::Unknown => "?",
            };
            let region = if point.region.is_empty() { "both" } else { &point.region };
            let _ = writeln!(
                text,
                "{verdict:<4} {:<6} {region:<region_wide$}  {:<wide$}  {}",
                point.requirement, point.what, point.says
            );
        }
        let count = |verdict| self.points.iter().filter(|point| point.verdict == verdict).count();
        let _ = writeln!(
            text,
            "{}: {} yes, {} no, {} not known",
            if self.synchronized {
                "synchronized"
            } else {
                "NOT SYNCHRONIZED"
            },
            count(Verdict::Yes),
            count(Verdict::No),
            count(Verdict::Unknown)
        );
        text
    }
}
