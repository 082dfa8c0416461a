//! UP6xx: coming home, and the trading calendar.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZoneDatabase;

use super::Check;
use crate::duration::format;
use crate::model::{FailbackMode, WitnessKind};
use crate::rules::failback as rule;
use crate::source::{name_of, nearest};

/// Shorter, and a false all-clear is trusted.
const SOAK_MIN: Duration = Duration::from_secs(3_600);

/// The end of the day, in minutes.
const MIDNIGHT: u16 = 24 * 60;

pub(super) fn check(check: &mut Check<'_>) {
    permissions(check);
    soak(check);
    calendar(check);
    holidays(check);
}

fn permissions(check: &mut Check<'_>) {
    let policy = check.policy();
    let failback = &policy.failback;
    if failback.during_trading {
        let message = "the platform may come home while the market trades";
        check.report(
            &rule::DURING_TRADING,
            message,
            &[("failback.during-trading", "an outage by choice")],
        );
    }
    if failback.while_unprotected {
        let message = "the platform may come home without a promotable standby";
        check.report(
            &rule::UNPROTECTED,
            message,
            &[("failback.while-unprotected", "no way back")],
        );
    }
    let reads_health = policy
        .witnesses
        .iter()
        .any(|witness| witness.kind == WitnessKind::AwsHealth);
    if failback.wait_for_health_event && !reads_health {
        let message = "the way home waits for AWS Health, and no witness reads it";
        check.report(
            &rule::HEALTH_UNSEEN,
            message,
            &[("failback.wait-for-health-event", "never seen")],
        );
    }
    if !failback.wait_for_health_event && failback.mode == FailbackMode::Automatic {
        let message = "the engine may go home while AWS still reports an event there";
        check.report(
            &rule::HEALTH_IGNORED,
            message,
            &[("failback.wait-for-health-event", "ignored")],
        );
    }
}

fn soak(check: &mut Check<'_>) {
    let policy = check.policy();
    let (failback, cool_down) = (&policy.failback, policy.guards.cool_down);
    if failback.mode != FailbackMode::Automatic {
        return;
    }
    if failback.soak < SOAK_MIN {
        let message = format!("the home region is trusted after {} of health", format(failback.soak));
        check.report(
            &rule::SOAK_SHORT,
            message,
            &[("failback.soak", "too soon"), ("failback.mode", "by itself")],
        );
    }
    if failback.soak < cool_down {
        let message = format!(
            "the soak ends after {}, and the cool-down after {}",
            format(failback.soak),
            format(cool_down)
        );
        check.report(
            &rule::SOAK_IN_COOL_DOWN,
            message,
            &[("failback.soak", "ends first"), ("guards.cool-down", "then this")],
        );
    }
}

fn calendar(check: &mut Check<'_>) {
    let policy = check.policy();
    let trading = &policy.guards.trading;
    let database = TimeZoneDatabase::bundled();
    if database.get(&trading.time_zone).is_err() {
        let known: Vec<String> = database.available().map(|name| name.to_string()).collect();
        let message = format!("`{}` is not a time zone", trading.time_zone);
        let help = match nearest_zone(&trading.time_zone, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write an IANA name such as `America/New_York`".to_owned(),
        };
        check.report_with(
            &rule::TIME_ZONE,
            message,
            help,
            &[("guards.trading.time-zone", "not known")],
        );
    }
    let (opens, closes) = (("guards.trading.opens", "opens"), ("guards.trading.closes", "closes"));
    if trading.opens_minute >= trading.closes_minute {
        check.report(
            &rule::NEVER_OPENS,
            "the trading session ends before it begins",
            &[closes, opens],
        );
    }
    let days: BTreeSet<_> = trading.days.iter().collect();
    let around_the_clock = days.len() == 7 && trading.opens_minute == 0 && trading.closes_minute == MIDNIGHT;
    if around_the_clock && policy.failback.mode == FailbackMode::Automatic && !policy.failback.during_trading {
        let message = "the market never closes, and coming home waits until it does";
        let places = [
            ("guards.trading.days", "every day"),
            opens,
            closes,
            ("failback.during-trading", "never the case"),
        ];
        check.report(&rule::NEVER_CLOSES, message, &places);
    }
    for (index, day) in trading.days.iter().enumerate() {
        if trading.days[..index].contains(day) {
            let place = format!("guards.trading.days[{index}]");
            check.report(
                &rule::LISTED_TWICE,
                format!("`{}` is listed twice", name_of(*day)),
                &[(&place, "again")],
            );
        }
    }
}

/// Zone names keep their capitals, which a suggestion compares without.
fn nearest_zone<'a>(wrong: &str, known: &'a [String]) -> Option<&'a str> {
    let lower: Vec<String> = known.iter().map(|name| name.to_lowercase().replace('_', "-")).collect();
    let near = nearest(wrong, lower.iter().map(String::as_str))?;
    let index = lower.iter().position(|name| name == near)?;
    Some(&known[index])
}

fn holidays(check: &mut Check<'_>) {
    let holidays = &check.policy().guards.trading.holidays;
    for (index, holiday) in holidays.iter().enumerate() {
        let place = format!("guards.trading.holidays[{index}]");
        // Exactly `YYYY-MM-DD`: other ISO forms are dates too, and would not compare equal as texts.
        let date = holiday.parse::<Date>().ok().filter(|date| date.to_string() == *holiday);
        if date.is_none() {
            let message = format!("`{holiday}` is not a date that exists");
            check.report(&rule::HOLIDAY, message, &[(&place, "not a date")]);
        } else if holidays[..index].contains(holiday) {
            check.report(
                &rule::LISTED_TWICE,
                format!("`{holiday}` is listed twice"),
                &[(&place, "again")],
            );
        }
    }
}
