//! Moments as events write them.

use super::rejection::{Excerpt, Reason};
use crate::core::time::WallTime;

/// Reads RFC 3339, with or without a fraction, and CloudWatch's `+0000` for the offset. Anything below a millisecond
/// is cut off.
pub(super) fn parse(text: &str, path: &'static str) -> Result<WallTime, Reason> {
    // The parser behind this also takes forms that no event has, such as a space for the `T` or a zone in brackets.
    let plain = text.as_bytes().get(10) == Some(&b'T') && !text.ends_with(']');
    text.parse::<jiff::Timestamp>()
        .ok()
        .filter(|_| plain)
        .map(|moment| WallTime::from_millis(moment.as_millisecond()))
        .ok_or_else(|| Reason::BadTime {
            path,
            text: Excerpt::of(text),
        })
}

/// Writes RFC 3339 with milliseconds.
pub(super) fn render(moment: WallTime) -> String {
    jiff::Timestamp::from_millisecond(moment.as_millis())
        .map_or_else(|_| String::from("out of range"), |moment| format!("{moment:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: i64 = 1_704_067_200_000;

    #[test]
    fn the_forms_that_events_use_name_the_same_moment() {
        for text in [
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00.000Z",
            "2024-01-01T00:00:00.000000Z",
            "2024-01-01T00:00:00+00:00",
            "2024-01-01T00:00:00.000+0000",
            "2023-12-31T19:00:00.000-0500",
        ] {
            assert_eq!(parse(text, "time"), Ok(WallTime::from_millis(MOMENT)), "{text}");
        }
    }

    #[test]
    fn milliseconds_are_exact_and_finer_parts_are_cut_off() {
        assert_eq!(
            parse("2024-01-01T00:00:00.985+0000", "time"),
            Ok(WallTime::from_millis(MOMENT + 985))
        );
        assert_eq!(
            parse("2024-01-01T00:00:00.985999Z", "time"),
            Ok(WallTime::from_millis(MOMENT + 985))
        );
    }

    #[test]
    fn anything_else_is_no_moment() {
        for text in [
            "",
            "now",
            "1704067200",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-02-30T00:00:00Z",
            "2024-01-01T25:00:00Z",
            "2024-01-01T00:00:00Z[UTC]",
            "99999-01-01T00:00:00Z",
            "2024-01-01T00:00:00.000+9999",
            "Mon, 01 Jan 2024 00:00:00 GMT",
        ] {
            assert!(matches!(parse(text, "time"), Err(Reason::BadTime { .. })), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let moment = WallTime::from_millis(MOMENT + 7);
        assert_eq!(render(moment), "2024-01-01T00:00:00.007Z");
        assert_eq!(parse(&render(moment), "time"), Ok(moment));
    }
}
