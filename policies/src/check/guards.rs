//! UP8xx: regions, mode, guards and gates.

use super::Check;
use crate::duration::format;
use crate::model::{FailbackMode, LossAction, Mode};
use crate::rules::guards as rule;
use crate::source::name_of;

pub(super) fn check(check: &mut Check<'_>) {
    let policy = check.policy();
    if policy.mode == Mode::Shadow {
        let message = "take-over is disarmed: the engine decides, records, and changes nothing";
        check.report(&rule::DISARMED, message, &[("mode", "nothing will happen")]);
    }
    regions(check);
    guards(check);
    if policy.gates.approve_failover {
        let message = "a failover waits for a person, so the 60 seconds are not kept";
        check.report(
            &rule::APPROVAL,
            message,
            &[("gates.approve-failover", "minutes"), ("budget.total", "promised")],
        );
    }
    if policy.gates.reconcile_venues {
        let message = "orders are processed only after people have reconciled them with the venues";
        check.report(
            &rule::RECONCILE_FIRST,
            message,
            &[
                ("gates.reconcile-venues", "minutes to hours"),
                ("budget.total", "promised"),
            ],
        );
    }
    if policy.losses.region.action != LossAction::FailOver {
        let message = format!(
            "the loss of the region leads to `{}`, not to a failover",
            name_of(policy.losses.region.action)
        );
        check.report(
            &rule::NO_FAILOVER,
            message,
            &[
                ("losses.region.action", "no failover"),
                ("budget.total", "promises nothing"),
            ],
        );
    }
}

fn regions(check: &mut Check<'_>) {
    let regions = &check.policy().regions;
    let named = [
        ("regions.primary", &regions.primary),
        ("regions.standby", &regions.standby),
        ("regions.witness", &regions.witness),
    ];
    for (index, (key, region)) in named.iter().enumerate() {
        if let Some((before, _)) = named[..index].iter().find(|(_, before)| before == region) {
            let message = format!("`{region}` is named twice");
            check.report(&rule::REGIONS_EQUAL, message, &[(key, "again"), (before, "first")]);
        }
    }
}

fn guards(check: &mut Check<'_>) {
    let policy = check.policy();
    let guards = &policy.guards;
    if !guards.cool_down.is_zero() && !guards.cool_down_escape {
        let message = format!(
            "for {} after a role change a lost region is not answered",
            format(guards.cool_down)
        );
        let places = [
            ("guards.cool-down-escape", "no way out"),
            ("guards.cool-down", "of this"),
        ];
        check.report(&rule::NO_ESCAPE, message, &places);
    }
    if guards.role_changes_max == 1 && policy.failback.mode == FailbackMode::Automatic {
        let message = "the failover uses up the only role change, and none is left for the way home";
        let places = [
            ("guards.role-changes-max", "used up"),
            ("failback.mode", "needs one more"),
        ];
        check.report(&rule::NO_WAY_HOME, message, &places);
    }
    if guards.role_changes_window <= guards.cool_down {
        let message = format!(
            "role changes are counted over {}, and none follows another within {}",
            format(guards.role_changes_window),
            format(guards.cool_down),
        );
        let places = [
            ("guards.role-changes-window", "never holds two"),
            ("guards.cool-down", "because of this"),
        ];
        check.report(&rule::WINDOW_SHORT, message, &places);
    }
}
