//! Durations as an operator writes them: `"250ms"`, `"8s"`, `"1m30s"`, `"4h"`, `"7d"`.

use std::time::Duration;

use schemars::JsonSchema;

/// The JSON Schema of a duration in a policy file.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub struct DurationText(
    #[schemars(
        regex(pattern = r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"),
        length(min = 2)
    )]
    #[expect(dead_code, reason = "only its schema is used")]
    String,
);

/// The units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a duration: whole numbers, each with a unit, largest unit first, no unit twice.
///
/// # Errors
/// When the text is not of that form, with a sentence that says how to write it.
pub fn parse(text: &str) -> Result<Duration, String> {
    let hint = "write whole numbers with units d, h, m, s, ms, largest first, like `1m30s` or `250ms`";
    let mut rest = text;
    let mut millis: u64 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
        let known = UNITS.iter().skip(next_unit).position(|(name, _)| *name == unit);
        let (Some(offset), Ok(count)) = (known, number.parse::<u64>()) else {
            return Err(format!("`{text}` is not a duration; {hint}"));
        };
        let index = next_unit + offset;
        millis = count
            .checked_mul(UNITS[index].1)
            .and_then(|part| millis.checked_add(part))
            .ok_or_else(|| format!("`{text}` is too long a duration"))?;
        next_unit = index + 1;
        rest = &rest[digits + letters..];
    }
    if text.is_empty() {
        Err(format!("an empty text is not a duration; {hint}"))
    } else {
        Ok(Duration::from_millis(millis))
    }
}

/// Writes a duration as [`parse`] reads it, in whole milliseconds.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, size) in UNITS {
        let count = millis / size;
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
            millis %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit_and_writes_it_back() {
        for text in ["250ms", "8s", "1m30s", "4h", "7d", "1d2h3m4s5ms", "0s"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn refuses_what_is_not_a_duration() {
        for text in [
            "",
            "5",
            "s",
            "1.5s",
            "-1s",
            "1s1m",
            "1s1s",
            "5 s",
            "1w",
            "99999999999999999999s",
            "5é",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
