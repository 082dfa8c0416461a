//! A line in the log now and then, however often its cause occurs.

use std::time::Duration;

use crate::core::time::Timestamp;

/// One line in this time, for each cause.
pub(super) const LINES_APART: Duration = Duration::from_secs(10);

/// Lets one through, then holds back for a while, and knows how many it held back.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Throttle {
    let_through: Option<Timestamp>,
    held_back: u64,
}

impl Throttle {
    /// None: hold this one back. Otherwise how many were held back since the last one that was let through.
    pub(super) fn admit(&mut self, now: Timestamp) -> Option<u64> {
        if self.let_through.is_some_and(|last| now.since(last) < LINES_APART) {
            self.held_back += 1;
            return None;
        }
        self.let_through = Some(now);
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_one_line_in_ten_seconds_and_none_of_it_is_forgotten() {
        let mut throttle = Throttle::default();
        let lines: Vec<u64> = (0..25_000)
            .filter_map(|millis| throttle.admit(Timestamp::from_micros(millis * 1_000)))
            .collect();
        assert_eq!(lines, [0, 9_999, 9_999]);
    }
}
