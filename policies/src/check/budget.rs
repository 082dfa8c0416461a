//! UP1xx: the 60 seconds.

use std::time::Duration;

use super::Check;
use crate::budget::{Holder, Modelled, Phase, PhaseBound, WorstCase};
use crate::duration::format;
use crate::figures::{self, Figure};
use crate::model::{LeaseStore, LossAction, Policy, TrafficMethod};
use crate::rules::{budget as rule, lease as lease_rule};

/// What the platform must keep (R12).
const PROMISE_MAX: Duration = Duration::from_secs(60);

pub(super) fn check(check: &mut Check<'_>) {
    allotments(check);
    bounds(check);
    deadlines(check);
    losses(check);
    let policy = check.policy();
    if policy.budget.total > PROMISE_MAX {
        let message = format!(
            "the policy promises {}, and the platform must be back within 60s",
            format(policy.budget.total)
        );
        check.report(&rule::OVER_SIXTY, message, &[("budget.total", "more than 60s")]);
    }
    // A quorum that cannot be reached has its own rule, and no budget.
    let worst: Result<Vec<WorstCase>, _> = Holder::ALL
        .into_iter()
        .map(|holder| WorstCase::of(policy, holder))
        .collect();
    if let Ok(worst) = worst {
        phases(check, &worst);
        total(check, &worst);
        modelled(check, &worst);
    }
}

/// Each phase against its allotment, in the worse of the two ways of losing the region.
fn phases(check: &mut Check<'_>, worst: &[WorstCase]) {
    let policy = check.policy();
    for phase in Phase::ALL {
        let Some(bound) = worst
            .iter()
            .map(|worst| worst.phase(phase))
            .max_by_key(|bound| bound.total())
        else {
            continue;
        };
        let (takes, allotted) = (bound.total(), phase.allotment(&policy.budget.phases));
        if takes <= allotted {
            continue;
        }
        if phase == Phase::Claim && bound.dominant().is_some_and(|part| part.key == "lease.ttl") {
            lease_too_long(check, takes, allotted);
            continue;
        }
        let message = format!(
            "`{}` takes up to {} inside the declared bounds, and is allotted {}: {}",
            phase.name(),
            format(takes),
            format(allotted),
            sum_in_words(bound),
        );
        let help = format!(
            "shorten what is underlined by {}, or allot at least {}",
            format(takes - allotted),
            format(takes)
        );
        let allotment = format!("budget.phases.{}", phase.name());
        let parts: Vec<(&str, String)> = bound
            .parts
            .iter()
            .map(|part| (part.key.as_str(), format!("{}: {}", part.what, format(part.duration))))
            .collect();
        let mut places = vec![(allotment.as_str(), "too little")];
        places.extend(parts.iter().map(|(key, text)| (*key, text.as_str())));
        places.dedup_by_key(|(key, _)| *key);
        check.report_with(&rule::PHASE_OVERRUN, message, help, &places);
    }
}

fn lease_too_long(check: &mut Check<'_>, takes: Duration, allotted: Duration) {
    let policy = check.policy();
    let message = format!(
        "a lease of {} makes `claim` take up to {} with a gray primary, and it is allotted {}",
        format(policy.lease.ttl),
        format(takes),
        format(allotted),
    );
    let fits = longest_lease(policy, takes - allotted, allotted);
    let help = if fits.is_zero() {
        format!(
            "allot at least {} to `claim`: no lease is short enough for this allotment",
            format(takes)
        )
    } else {
        format!(
            "set `ttl` to at most {}, or allot at least {} to `claim`",
            format(fits),
            format(takes)
        )
    };
    let places = [
        ("lease.ttl", "waited for in full"),
        ("lease.drift-max", "waited for on top, on a slow clock"),
        ("budget.phases.claim", "allotted"),
    ];
    check.report_with(&lease_rule::LEASE_LONG, message, help, &places);
}

/// A lease that is too long by `over`, shortened until `claim` keeps its allotment.
fn longest_lease(policy: &Policy, over: Duration, allotted: Duration) -> Duration {
    let mut shorter = policy.clone();
    shorter.lease.ttl = policy.lease.ttl.saturating_sub(over);
    // Over a shorter lease the same drift is a larger share, which takes a few milliseconds more.
    for _ in 0..4 {
        let Ok(worst) = WorstCase::of(&shorter, Holder::Gray) else {
            break;
        };
        let over = worst.phase(Phase::Claim).total().saturating_sub(allotted);
        shorter.lease.ttl = shorter.lease.ttl.saturating_sub(over);
    }
    shorter.lease.ttl
}

fn sum_in_words(bound: &PhaseBound) -> String {
    let parts: Vec<String> = bound
        .parts
        .iter()
        .map(|part| format!("{} ({})", part.what, format(part.duration)))
        .collect();
    parts.join(", ")
}

/// Both figures of the promise, at worst inside the bounds, against the budget.
fn total(check: &mut Check<'_>, worst: &[WorstCase]) {
    let budget = check.policy().budget.total;
    let worst_of = |figure: fn(&WorstCase) -> Duration| {
        worst
            .iter()
            .max_by_key(|worst| figure(worst))
            .filter(|worst| figure(worst) > budget)
    };
    if let Some(worst) = worst_of(|worst| worst.accepted) {
        overrun(
            check,
            worst,
            "accepted",
            worst.accepted,
            &[Phase::Redirect, Phase::Claim, Phase::Detect],
        );
    }
    if let Some(worst) = worst_of(processed_and_verified) {
        overrun(
            check,
            worst,
            "processed",
            processed_and_verified(worst),
            &[Phase::Promote, Phase::Claim, Phase::Detect],
        );
    }
}

fn processed_and_verified(worst: &WorstCase) -> Duration {
    worst.processed + worst.phase(Phase::Verify).total()
}

fn overrun(check: &mut Check<'_>, worst: &WorstCase, figure: &str, takes: Duration, path: &[Phase]) {
    let budget = check.policy().budget.total;
    let verified = if figure == "processed" {
        ", the check of it included"
    } else {
        ""
    };
    let message = format!(
        "orders are {figure} again after up to {}{verified}, {} later than promised ({})",
        format(takes),
        format(takes - budget),
        worst.holder.in_words(),
    );
    let dominant = path
        .iter()
        .filter_map(|phase| worst.phase(*phase).dominant().map(|part| (*phase, part)));
    let parts: Vec<(&str, String)> = dominant
        .map(|(phase, part)| {
            (
                part.key.as_str(),
                format!("dominates `{}`: {}", phase.name(), format(part.duration)),
            )
        })
        .collect();
    let mut places = vec![("budget.total", "promised")];
    places.extend(parts.iter().map(|(key, text)| (*key, text.as_str())));
    check.report(&rule::BUDGET_OVERRUN, message, &places);
}

/// The allotments along both paths against the budget.
fn allotments(check: &mut Check<'_>) {
    let policy = check.policy();
    let phases = &policy.budget.phases;
    let decided = phases.detect + phases.corroborate + phases.decide;
    let processed = decided + phases.claim + phases.promote + phases.verify;
    let accepted = decided + policy.bounds.lease_operation + phases.redirect;
    let common = ["detect", "corroborate", "decide"];
    for (figure, sum, others) in [
        ("processed", processed, &["claim", "promote", "verify"][..]),
        ("accepted", accepted, &["redirect"]),
    ] {
        if sum <= policy.budget.total {
            continue;
        }
        let over = format(sum - policy.budget.total);
        let claim = if figure == "accepted" {
            ", with one lease operation for the accepted claim"
        } else {
            ""
        };
        let message = format!(
            "the allotments until orders are {figure} add up to {}{claim}: {over} more than `budget.total`",
            format(sum),
        );
        let keys: Vec<String> = common
            .iter()
            .chain(others)
            .map(|phase| format!("budget.phases.{phase}"))
            .collect();
        let mut places = vec![("budget.total", "promised")];
        places.extend(keys.iter().map(|key| (key.as_str(), "counts")));
        check.report_with(
            &rule::ALLOTMENTS_OVERRUN,
            message,
            format!("take {over} from the phases that are underlined"),
            &places,
        );
    }
}

/// The modelled figures, without any bound.
fn modelled(check: &mut Check<'_>, worst: &[WorstCase]) {
    let policy = check.policy();
    let budget = policy.budget.total;
    let modelled: Result<Vec<Modelled>, _> = Holder::ALL
        .into_iter()
        .map(|holder| Modelled::of(policy, holder))
        .collect();
    let Ok(modelled) = modelled else { return };
    let slowest = |p99: fn(&Modelled) -> Duration| modelled.iter().map(p99).max().unwrap_or_default();
    let (accepted, processed) = (slowest(|m| m.accepted.p99), slowest(|m| m.processed.p99));
    let figure = figures::promotion(policy.database.method);
    let inside = figure.distribution.cdf(policy.bounds.promotion);
    if accepted > budget || processed > budget {
        let bound = |bound: fn(&WorstCase) -> Duration| format(worst.iter().map(bound).max().unwrap_or_default());
        let message = format!(
            "without the declared bounds, the modelled p99 is {:.1}s for accepted and {:.1}s for processed; inside them, at \
             most {} and {}",
            accepted.as_secs_f64(),
            processed.as_secs_f64(),
            bound(|worst| worst.accepted),
            bound(|worst| worst.processed),
        );
        let help = format!(
            "{:.1} % of the modelled promotions stay inside the bound; know it, or declare a longer bound",
            inside * 100.0
        );
        let places = [
            ("budget.total", "above this"),
            ("bounds.promotion", "the bound that is broken most"),
        ];
        check.report_with(&rule::P99_OVER, message, help, &places);
    }
    if inside < 0.5 {
        let message = format!(
            "{:.1} % of the modelled promotions stay inside the declared bound of {}: their median is {:.1}s",
            inside * 100.0,
            format(policy.bounds.promotion),
            figure.distribution.median().as_secs_f64(),
        );
        check.report(
            &rule::PROMOTION_UNLIKELY,
            message,
            &[("bounds.promotion", "too short"), ("database.method", "for this")],
        );
    }
}

/// Bounds that the model would break every second time.
fn bounds(check: &mut Check<'_>) {
    let policy = check.policy();
    let bounds = &policy.bounds;
    let mut declared: Vec<(&str, Duration, &Figure)> = vec![
        (
            "bounds.signal-delivery",
            bounds.signal_delivery,
            &figures::SIGNAL_DELIVERY,
        ),
        (
            "bounds.lease-operation",
            bounds.lease_operation,
            &figures::LEASE_OPERATION,
        ),
        ("bounds.switch-write", bounds.switch_write, &figures::SWITCH_WRITE),
        ("bounds.database-write", bounds.database_write, &figures::DATABASE_WRITE),
        ("bounds.engine-turn", bounds.engine_turn, &figures::ENGINE_TURN),
    ];
    if policy.lease.store == LeaseStore::MultiRegion {
        declared.push(("bounds.lease-stall", bounds.lease_stall, &figures::LEASE_STALL));
    }
    if policy.traffic.method != TrafficMethod::RecordChange {
        declared.push(("bounds.checker-reach", bounds.checker_reach, &figures::CHECKER_REACH));
        declared.push((
            "bounds.dns-propagation",
            bounds.dns_propagation,
            &figures::DNS_PROPAGATION,
        ));
    }
    for (key, bound, figure) in declared {
        let median = figure.distribution.median();
        if bound < median {
            let message = format!(
                "`{key}` is {}, and the modelled median is {:.3}s",
                format(bound),
                median.as_secs_f64()
            );
            let help = format!(
                "the modelled p99 is {:.3}s ({})",
                figure.distribution.p99().as_secs_f64(),
                figure.source
            );
            check.report_with(
                &rule::BOUND_OPTIMISTIC,
                message,
                help,
                &[(key, "broken every second time")],
            );
        }
    }
}

/// The deadline of a state against the phase that happens in it.
fn deadlines(check: &mut Check<'_>) {
    let policy = check.policy();
    let (deadlines, phases) = (&policy.deadlines, &policy.budget.phases);
    let moving = phases.promote.max(phases.redirect);
    let moving_key = if phases.promote >= phases.redirect {
        "budget.phases.promote"
    } else {
        "budget.phases.redirect"
    };
    // The claim may have to wait for the store's stall.
    let claiming = policy.bounds.lease_operation + policy.bounds.lease_stall;
    for (name, deadline, phase, key) in [
        ("claiming", deadlines.claiming, claiming, "bounds.lease-stall"),
        ("acquiring", deadlines.acquiring, phases.claim, "budget.phases.claim"),
        ("moving", deadlines.moving, moving, moving_key),
        ("verifying", deadlines.verifying, phases.verify, "budget.phases.verify"),
        // A quick promotion waits there for the public name to answer with the standby.
        (
            "verifying",
            deadlines.verifying,
            phases.redirect,
            "budget.phases.redirect",
        ),
        ("handing-back", deadlines.handing_back, moving, moving_key),
    ] {
        if deadline < phase {
            let message = format!(
                "`{name}` ends after {}, and what happens in it may take {}",
                format(deadline),
                format(phase)
            );
            let help = format!("set `{name}` to at least {}", format(phase));
            let deadline = format!("deadlines.{name}");
            check.report_with(
                &rule::DEADLINE_SHORT,
                message,
                help,
                &[(&deadline, "too short"), (key, "for this")],
            );
        }
    }
}

/// Losses that are waited for.
fn losses(check: &mut Check<'_>) {
    let policy = check.policy();
    let losses = [
        ("region", policy.losses.region),
        ("application", policy.losses.application),
        ("database", policy.losses.database),
    ];
    let acting = || {
        losses
            .into_iter()
            .filter(|(_, loss)| loss.action == LossAction::FailOver)
    };
    let dwell = policy.quorum.dwell.max(policy.quorum.flap_dwell);
    if let Some((name, loss)) = acting().max_by_key(|(_, loss)| loss.wait)
        && policy.deadlines.suspicious < dwell + loss.wait
    {
        let message = format!(
            "`suspicious` ends after {}, and a lost {name} is waited for {} after a dwell of up to {}",
            format(policy.deadlines.suspicious),
            format(loss.wait),
            format(dwell),
        );
        let wait = format!("losses.{name}.wait");
        let places = [
            ("deadlines.suspicious", "too short"),
            (wait.as_str(), "waited for"),
            ("quorum.flap-dwell", "on top"),
        ];
        let help = format!("set `suspicious` to at least {}", format(dwell + loss.wait));
        check.report_with(&rule::SUSPICIOUS_SHORT, message, help, &places);
    }
    for (name, loss) in acting().filter(|(name, loss)| *name != "region" && !loss.wait.is_zero()) {
        let message = format!(
            "a loss of the {name} alone is waited for {}, outside the budget",
            format(loss.wait)
        );
        check.report(
            &rule::LOSS_OUTSIDE,
            message,
            &[(&format!("losses.{name}.wait"), "on top of the budget")],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shipped;

    #[test]
    fn the_longest_lease_keeps_the_allotment_and_a_millisecond_more_does_not() {
        let mut policy = shipped::trading();
        let claim = |policy: &Policy| {
            let worst = WorstCase::of(policy, Holder::Gray).unwrap();
            worst.phase(Phase::Claim).total()
        };
        let allotted = policy.budget.phases.claim;
        policy.lease.ttl = Duration::from_secs(20);
        policy.lease.ttl = longest_lease(&policy, claim(&policy) - allotted, allotted);
        assert!(claim(&policy) <= allotted);
        policy.lease.ttl += Duration::from_millis(1);
        assert!(claim(&policy) > allotted);
    }
}
