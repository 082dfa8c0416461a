//! The budget for people and for programs.

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::Serialize;

use super::{Holder, Modelled, Part, Phase, Quantiles, QuorumUnreachable, WorstCase};
use crate::duration;
use crate::figures;
use crate::model::Policy;
use crate::source::name_of;

/// The whole budget of a policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The policy's name.
    pub policy: String,
    /// What is promised, in milliseconds from the onset.
    pub total_ms: u64,
    /// Each way of losing the region.
    pub scenarios: Vec<Scenario>,
    /// How the promotion fares against its bound.
    pub promotion: Promotion,
}

/// One way of losing the region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scenario {
    /// What became of the holder's engine.
    pub holder: Holder,
    /// Every phase, in order.
    pub phases: Vec<Row>,
    /// From onset until 95 % of clients can place orders again.
    pub accepted: Timing,
    /// From onset until the promoted database takes writes again.
    pub processed: Timing,
    /// From onset until both have been verified, at worst, in milliseconds.
    pub verified_bound_ms: u64,
}

/// One phase. All figures in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The phase.
    pub phase: Phase,
    /// Modelled, 1st percentile.
    pub best_ms: u64,
    /// Modelled, median.
    pub p50_ms: u64,
    /// Modelled, 99th percentile, without any bound.
    pub p99_ms: u64,
    /// The worst case inside the declared bounds.
    pub bound_ms: u64,
    /// What the policy allots.
    pub allotted_ms: u64,
    /// The part that dominates the worst case.
    pub dominated_by: Option<Part>,
}

/// One of the two figures of the promise. All in milliseconds, except the share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timing {
    /// Modelled, 1st percentile.
    pub best_ms: u64,
    /// Modelled, median.
    pub p50_ms: u64,
    /// Modelled, 99th percentile, without any bound.
    pub p99_ms: u64,
    /// The worst case inside the declared bounds.
    pub bound_ms: u64,
    /// The share of modelled timelines inside the budget.
    pub share_inside: f64,
}

/// The promotion of the database against its declared bound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Promotion {
    /// The method.
    pub method: &'static str,
    /// The declared bound, in milliseconds.
    pub bound_ms: u64,
    /// The modelled median, in milliseconds.
    pub p50_ms: u64,
    /// The modelled 99th percentile, in milliseconds.
    pub p99_ms: u64,
    /// The share of modelled promotions inside the bound.
    pub share_inside: f64,
    /// Where the figure comes from.
    pub source: &'static str,
    /// Whether nobody publishes it.
    pub assumption: bool,
}

/// Computes the budget of a policy.
///
/// # Errors
/// When the quorum can never be reached: then there is no failover to compute.
pub fn report(policy: &Policy) -> Result<Report, QuorumUnreachable> {
    let figure = figures::promotion(policy.database.method);
    let scenarios: Result<Vec<Scenario>, _> = Holder::ALL.into_iter().map(|holder| scenario(policy, holder)).collect();
    Ok(Report {
        policy: policy.name.clone(),
        total_ms: millis(policy.budget.total),
        scenarios: scenarios?,
        promotion: Promotion {
            method: name_of(policy.database.method),
            bound_ms: millis(policy.bounds.promotion),
            p50_ms: millis(figure.distribution.median()),
            p99_ms: millis(figure.distribution.p99()),
            share_inside: rounded(figure.distribution.cdf(policy.bounds.promotion)),
            source: figure.source,
            assumption: figure.assumption,
        },
    })
}

fn scenario(policy: &Policy, holder: Holder) -> Result<Scenario, QuorumUnreachable> {
    let worst = WorstCase::of(policy, holder)?;
    let modelled = Modelled::of(policy, holder)?;
    let row = |phase: Phase| {
        let Quantiles { best, p50, p99 } = modelled.phases[phase as usize];
        let bound = worst.phase(phase);
        Row {
            phase,
            best_ms: millis(best),
            p50_ms: millis(p50),
            p99_ms: millis(p99),
            bound_ms: millis(bound.total()),
            allotted_ms: millis(phase.allotment(&policy.budget.phases)),
            dominated_by: bound.dominant().cloned(),
        }
    };
    Ok(Scenario {
        holder,
        phases: Phase::ALL.into_iter().map(row).collect(),
        accepted: timing(modelled.accepted, worst.accepted, modelled.accepted_share),
        processed: timing(modelled.processed, worst.processed, modelled.processed_share),
        verified_bound_ms: millis(worst.verified),
    })
}

fn timing(modelled: Quantiles, bound: Duration, share: f64) -> Timing {
    Timing {
        best_ms: millis(modelled.best),
        p50_ms: millis(modelled.p50),
        p99_ms: millis(modelled.p99),
        bound_ms: millis(bound),
        share_inside: rounded(share),
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// To a tenth of a percent: more digits would pretend to a precision that the assumptions do not have.
fn rounded(share: f64) -> f64 {
    (share * 1e3).round() / 1e3
}

/// Seconds with one decimal.
fn seconds(millis: u64) -> String {
    format!("{:.1}", millis as f64 / 1e3)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = duration::format(Duration::from_millis(self.total_ms));
        writeln!(
            f,
            "Budget of `{}`: {total} from the onset of the fault. Seconds; best is the 1st percentile.",
            self.policy
        )?;
        writeln!(
            f,
            "best, p50 and p99 are modelled, without any bound; bound is the worst case inside the declared bounds."
        )?;
        for scenario in &self.scenarios {
            write!(f, "\n{}", scenario.holder.in_words())?;
            let mut table = String::new();
            scenario.write(&mut table, self.total_ms)?;
            write!(f, "\n{table}")?;
        }
        let promotion = &self.promotion;
        writeln!(f)?;
        writeln!(
            f,
            "Promotion ({}): {:.1} % of the modelled promotions stay inside the bound of {} s; median {} s, p99 {} s.",
            promotion.method,
            promotion.share_inside * 100.0,
            seconds(promotion.bound_ms),
            seconds(promotion.p50_ms),
            seconds(promotion.p99_ms),
        )?;
        let kind = if promotion.assumption {
            "Assumption"
        } else {
            "Published"
        };
        writeln!(f, "{kind}: {}.", promotion.source)
    }
}

impl Scenario {
    fn write(&self, text: &mut String, total_ms: u64) -> fmt::Result {
        writeln!(
            text,
            "  {:<12} {:>6} {:>6} {:>6} {:>6} {:>8}   dominated by",
            "phase", "best", "p50", "p99", "bound", "allotted"
        )?;
        for row in &self.phases {
            let dominated_by = row.dominated_by.as_ref().map_or("", |part| part.what.as_str());
            writeln!(
                text,
                "  {:<12} {:>6} {:>6} {:>6} {:>6} {:>8}   {dominated_by}",
                row.phase.name(),
                seconds(row.best_ms),
                seconds(row.p50_ms),
                seconds(row.p99_ms),
                seconds(row.bound_ms),
                seconds(row.allotted_ms),
            )?;
        }
        for (name, timing) in [("accepted", &self.accepted), ("processed", &self.processed)] {
            writeln!(
                text,
                "  {name:<12} {:>6} {:>6} {:>6} {:>6} {:>8}   {:.1} % of modelled timelines are inside",
                seconds(timing.best_ms),
                seconds(timing.p50_ms),
                seconds(timing.p99_ms),
                seconds(timing.bound_ms),
                seconds(total_ms),
                timing.share_inside * 100.0,
            )?;
        }
        Ok(())
    }
}
