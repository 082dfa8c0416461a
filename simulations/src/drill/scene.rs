//! What a drill shows while it runs.

use serde::Serialize;

use crate::report::{DecisionReport, TimelineEntry};

/// How everything stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Seconds since the onset, on the drill's clock; negative before it.
    pub since_onset: f64,
    /// How fast time runs now.
    pub speed: f64,
    /// What is at fault, in words.
    pub faults: Vec<String>,
    /// Who holds the lease, and in which epoch.
    pub holder: (&'static str, u64),
    /// Who has claimed it.
    pub claimed_by: Option<&'static str>,
    /// What the public name answers with.
    pub answer: &'static str,
    /// What each region does with orders, home first: `commits`, `accepts` or `refuses`.
    pub orders: [&'static str; 2],
    /// Every sidecar.
    pub sidecars: Vec<SidecarScene>,
    /// Every witness that a sidecar has said anything of, in the policy's order.
    pub witnesses: Vec<WitnessScene>,
    /// How many of 100 clients can place orders, those behind resolvers that stretch TTLs apart.
    pub able_percent: usize,
    /// Orders accepted again and processed again, in seconds from the onset, if that has happened.
    pub figures: [Option<f64>; 2],
    /// Whether clients are interrupted now.
    pub interrupted: bool,
    /// The budget in seconds.
    pub budget: f64,
    /// The last decisions, the last one first.
    pub decisions: Vec<DecisionReport>,
    /// What has happened since the last scene.
    pub news: Vec<TimelineEntry>,
}

/// One sidecar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SidecarScene {
    /// Its name.
    pub who: String,
    /// The state of its machine; none: it does not run.
    pub state: Option<&'static str>,
    /// Whether its process is suspended.
    pub suspended: bool,
    /// Where its status page is.
    pub page: String,
}

/// What one witness says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessScene {
    /// Its name.
    pub witness: String,
    /// Whether it is in the quorum.
    pub quorum: bool,
    /// What it says of each region, home first, by each sidecar that says so: `healthy`, `breached` or `missing`.
    pub says: [Vec<&'static str>; 2],
}
