//! Bounds on what is read at all.

use super::rejection::Reason;

/// The largest body that is read: what SQS, SNS and EventBridge let through.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// The deepest nesting of objects and arrays that is read. The events of AWS stay below 10.
pub const DEPTH_MAX: usize = 32;

/// How many envelopes may be wrapped around each other, the innermost included: an EventBridge event, in an SNS
/// notification, in a CloudEvent.
pub const LAYERS_MAX: u8 = 3;

/// Refuses a text whose objects and arrays nest too deep.
pub(super) fn check_depth(text: &str) -> Result<(), Reason> {
    // A document cannot nest deeper than it has opening brackets. Counting them is many times faster than following
    // them through strings and escapes, and real events hardly ever have this many.
    if opening_brackets(text) <= DEPTH_MAX || depth(text) <= DEPTH_MAX {
        Ok(())
    } else {
        Err(Reason::TooDeep { limit: DEPTH_MAX })
    }
}

/// Counts `{` and `[`, inside strings too. In sums of one byte each, which a chunk cannot overflow, so that many
/// bytes are compared at a time.
fn opening_brackets(text: &str) -> usize {
    text.as_bytes()
        .chunks(128)
        .map(|chunk| {
            let opening = chunk
                .iter()
                .fold(0_u8, |sum, byte| sum.wrapping_add(u8::from(byte | 0x20 == b'{')));
            usize::from(opening)
        })
        .sum()
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut in_string = false;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                bytes.next();
            }
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_strings_do_not_nest() {
        assert_eq!(depth(r#"{"a":"[[[[","b\"{":[1]}"#), 2);
    }

    #[test]
    fn every_opening_bracket_is_counted_whatever_the_length() {
        for brackets in [0, 1, 127, 128, 129, 1_000] {
            assert_eq!(opening_brackets(&"[a{}".repeat(brackets)), 2 * brackets);
        }
    }

    #[test]
    fn siblings_do_not_nest() {
        let wide = format!("[{}]", ["[]"; 100].join(","));
        assert_eq!(depth(&wide), 2);
        assert_eq!(check_depth(&wide), Ok(()));
    }

    #[test]
    fn one_bracket_above_the_limit_is_too_deep() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check_depth(&nested(DEPTH_MAX)), Ok(()));
        assert_eq!(
            check_depth(&nested(DEPTH_MAX + 1)),
            Err(Reason::TooDeep { limit: DEPTH_MAX })
        );
    }
}
