//! Losses and guards.

use std::time::Duration;

use crate::gather;
use crate::model::{DataLoss, Guards, LossRule, Losses, TradingCalendar};
use crate::source::Table;

const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn losses(table: &Table<'_>) -> Option<Losses> {
    gather!(Losses {
        region: table.table("region", loss),
        application: table.table("application", loss),
        database: table.table("database", loss),
    })
}

fn loss(table: &Table<'_>) -> Option<LossRule> {
    gather!(LossRule {
        action: table.name("action"),
        wait: table.duration("wait", Duration::ZERO..=Duration::from_secs(1_800)),
    })
}

/// The guards stand in one table of the file, with `data-loss` and `trading` in tables below it.
pub(super) fn guards(table: &Table<'_>) -> Option<Guards> {
    gather!(Guards {
        cool_down: table.duration("cool-down", Duration::ZERO..=DAY),
        cool_down_escape: table.boolean("cool-down-escape"),
        role_changes_max: table.integer("role-changes-max", 1..=20),
        role_changes_window: table.duration("role-changes-window", Duration::from_secs(60)..=7 * DAY),
        data_loss: table.table("data-loss", data_loss),
        trading: table.table("trading", trading),
    })
}

fn data_loss(table: &Table<'_>) -> Option<DataLoss> {
    gather!(DataLoss {
        lag_max: table.duration("lag-max", Duration::ZERO..=Duration::from_secs(600)),
        lag_age_max: table.duration("lag-age-max", Duration::from_secs(1)..=Duration::from_secs(3_600)),
        lag_unknown: table.name("lag-unknown"),
    })
}

fn trading(table: &Table<'_>) -> Option<TradingCalendar> {
    gather!(TradingCalendar {
        time_zone: table.text("time-zone"),
        days: table.list("days", 1..=7, |day| day.name()),
        opens_minute: table.parsed("opens", minute_of_day),
        closes_minute: table.parsed("closes", minute_of_day),
        holidays: table.list("holidays", 0..=366, |date| date.text()),
    })
}

/// `HH:MM` as minutes after midnight. `24:00` is the end of the day.
fn minute_of_day(text: &str) -> Result<u16, String> {
    let two_digits = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = text.split_once(':').unwrap_or_default();
    match (two_digits(hours), two_digits(minutes)) {
        (Some(hours), Some(minutes)) if hours < 24 && minutes < 60 => Ok(hours * 60 + minutes),
        (Some(24), Some(0)) => Ok(24 * 60),
        _ => Err(format!("`{text}` is not a time of day; write it like `09:30`")),
    }
}

#[cfg(test)]
mod tests {
    use super::minute_of_day;

    #[test]
    fn reads_a_time_of_day_and_nothing_else() {
        assert_eq!(minute_of_day("09:30"), Ok(570));
        assert_eq!(minute_of_day("24:00"), Ok(1440));
        for text in ["", "9:30", "09:60", "24:01", "25:00", "+9:30", "09:30:00", "0930"] {
            assert!(minute_of_day(text).is_err(), "{text}");
        }
    }
}
