//! Whether the market trades at a given moment.

use std::cell::Cell;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use understudy_policies::model::{TradingCalendar, Weekday};

use super::time::WallTime;

/// The trading calendar, compiled.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    time_zone: TimeZone,
    days: [bool; 7],
    opens_minute: u16,
    closes_minute: u16,
    holidays: Vec<Date>,
    /// The last minute that was asked about, and its answer: time zones are slow, and a soaking engine asks at every
    /// turn. Sessions begin and end with a minute.
    last: Cell<Option<(i64, bool)>>,
}

impl Calendar {
    /// Compiles a calendar that the policy's checker has accepted. A zone that this machine does not know is read as
    /// UTC and a date that is none is left out: the checker refuses both before a policy gets here.
    pub(crate) fn new(calendar: &TradingCalendar) -> Self {
        let mut days = [false; 7];
        for day in &calendar.days {
            days[position(*day)] = true;
        }
        Self {
            time_zone: TimeZone::get(&calendar.time_zone).unwrap_or(TimeZone::UTC),
            days,
            opens_minute: calendar.opens_minute,
            closes_minute: calendar.closes_minute,
            holidays: calendar.holidays.iter().filter_map(|date| date.parse().ok()).collect(),
            last: Cell::new(None),
        }
    }

    /// Whether the market trades at this moment.
    pub(crate) fn trades(&self, at: WallTime) -> bool {
        let minute = at.as_millis().div_euclid(60_000);
        match self.last.get() {
            Some((last, answer)) if last == minute => answer,
            _ => {
                let answer = self.look_up(at);
                self.last.set(Some((minute, answer)));
                answer
            }
        }
    }

    fn look_up(&self, at: WallTime) -> bool {
        let Ok(instant) = jiff::Timestamp::from_millisecond(at.as_millis()) else {
            return false;
        };
        let local = instant.to_zoned(self.time_zone.clone());
        let weekday = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
        self.days[weekday]
            && (self.opens_minute..self.closes_minute).contains(&minute)
            && !self.holidays.contains(&local.date())
    }
}

const fn position(day: Weekday) -> usize {
    match day {
        Weekday::Monday => 0,
        Weekday::Tuesday => 1,
        Weekday::Wednesday => 2,
        Weekday::Thursday => 3,
        Weekday::Friday => 4,
        Weekday::Saturday => 5,
        Weekday::Sunday => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> Calendar {
        Calendar::new(&TradingCalendar {
            time_zone: "America/New_York".to_owned(),
            days: vec![
                Weekday::Monday,
                Weekday::Tuesday,
                Weekday::Wednesday,
                Weekday::Thursday,
                Weekday::Friday,
            ],
            opens_minute: 9 * 60 + 30,
            closes_minute: 16 * 60,
            holidays: vec!["2026-11-26".to_owned()],
        })
    }

    fn trades(at: &str) -> bool {
        let instant: jiff::Timestamp = at.parse().unwrap();
        calendar().trades(WallTime::from_millis(instant.as_millisecond()))
    }

    #[test]
    fn the_session_follows_local_time_over_daylight_saving() {
        assert!(trades("2026-07-01T13:30:00Z"));
        assert!(!trades("2026-07-01T13:29:59Z"));
        assert!(
            !trades("2026-12-01T13:30:00Z"),
            "in winter the session opens an hour later in UTC"
        );
        assert!(trades("2026-12-01T14:30:00Z"));
        assert!(!trades("2026-12-01T21:00:00Z"), "the close itself is outside");
    }

    #[test]
    fn the_last_answer_is_kept_for_its_own_minute_only() {
        let calendar = calendar();
        let at = |text: &str| WallTime::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        for (text, trades) in [
            ("2026-07-01T13:29:59.999Z", false),
            ("2026-07-01T13:30:00Z", true),
            ("2026-07-01T13:29:00Z", false),
            ("1969-07-02T13:29:59.999Z", false),
        ] {
            assert_eq!(calendar.trades(at(text)), trades, "{text}");
            assert_eq!(calendar.trades(at(text)), trades, "{text}, again");
        }
    }

    #[test]
    fn weekends_and_holidays_do_not_trade() {
        assert!(!trades("2026-11-28T15:00:00Z"));
        assert!(!trades("2026-11-26T15:00:00Z"));
        assert!(trades("2026-11-27T15:00:00Z"));
    }
}
