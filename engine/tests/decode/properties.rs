//! What must hold for any bytes: an outcome, never a panic; and a changed event never says more than it said.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use understudy_engine::core::signal::{Observation, Signal};
use understudy_engine::decode::{Content, Decoder, decode};

use crate::fixture::{RECEIVED, all, decode_text, directory, event};

fn any_event() -> impl Strategy<Value = String> {
    select(all()).prop_map(|name| event(&name))
}

/// Pieces that parsers trip over.
fn any_piece() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\\u",
            "\\ud800",
            "\\\"",
            "null",
            "true",
            "-",
            "1e400",
            "-0",
            "18446744073709551616",
            "\u{0}",
            "\u{2028}",
            "é",
            "\"detail\":{}",
            "\"Type\":\"Notification\"",
            "\"specversion\":\"1.0\",\"data\":{}",
            "\"detail-type\":null",
        ])
        .prop_map(str::to_owned),
        (0_usize..5_000).prop_map(|depth| "[".repeat(depth)),
        (0_usize..5_000).prop_map(|digits| "9".repeat(digits)),
        ".{0,20}",
    ]
}

fn at(text: &str, index: Index) -> usize {
    let mut at = index.index(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn is_breach(content: &Content) -> bool {
    matches!(
        content,
        Content::Signal(Signal {
            observation: Observation::Breached,
            ..
        })
    )
}

#[test]
fn an_event_cut_off_at_any_byte_says_nothing() {
    let directory = directory();
    for name in all() {
        let text = event(&name);
        let whole = text.trim_end().len();
        for length in 0..whole {
            let outcome = decode(&directory, &text.as_bytes()[..length], RECEIVED);
            assert!(outcome.is_err(), "{name} cut off at byte {length}: {outcome:?}");
        }
    }
}

#[test]
fn an_event_with_any_one_byte_changed_never_turns_into_a_breach() {
    let directory = directory();
    for name in ["alarm-metric-math", "health-closed", "heartbeat"] {
        let mut body = event(name).into_bytes();
        for at in 0..body.len() {
            let original = body[at];
            for changed in [
                0,
                b'"',
                b'{',
                b'}',
                b'[',
                b'\\',
                b'A',
                b'0',
                original ^ 1,
                original ^ 0x20,
                0xff,
            ] {
                body[at] = changed;
                if let Ok(decoded) = decode(&directory, &body, RECEIVED) {
                    assert!(!is_breach(&decoded.content), "{name}, byte {at} as {changed}");
                }
            }
            body[at] = original;
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_have_an_outcome_that_is_counted(body in vec(any::<u8>(), 0..2_000)) {
        let mut decoder = Decoder::new(directory());
        prop_assert!(decoder.decode(&body, RECEIVED).is_err());
        prop_assert_eq!(decoder.counters().total(), 1);
    }

    #[test]
    fn pieces_of_json_in_any_order_decode_to_nothing(pieces in vec(any_piece(), 0..20)) {
        let outcome = decode_text(&pieces.concat());
        prop_assert!(!matches!(outcome, Ok(Content::Signal(_) | Content::Notice { .. })), "{:?}", outcome);
    }

    #[test]
    fn a_piece_put_into_an_event_is_rejected_or_changes_nothing_that_it_observed(
        text in any_event(),
        place in any::<Index>(),
        piece in any_piece(),
    ) {
        let before = decode_text(&text);
        let mut mutated = text.clone();
        mutated.insert_str(at(&text, place), &piece);
        // A piece may end up in a name or a description, and so make an event someone else's; it may not make one
        // observation into another.
        match (before, decode_text(&mutated)) {
            (Ok(Content::Signal(before)), Ok(Content::Signal(after))) => {
                prop_assert_eq!(before.observation, after.observation);
                prop_assert_eq!((before.witness, before.target), (after.witness, after.target));
            }
            (_, Ok(after)) => prop_assert!(!is_breach(&after) || before_is_ignored(&text), "{:?}", after),
            (_, Err(rejection)) => prop_assert!(!rejection.to_string().chars().any(char::is_control)),
        }
    }

    #[test]
    fn a_range_cut_out_of_an_event_never_makes_a_breach_of_something_else(
        text in any_event(),
        from in any::<Index>(),
        to in any::<Index>(),
    ) {
        let (from, to) = (at(&text, from), at(&text, to));
        let (from, to) = (from.min(to), from.max(to));
        let cut = format!("{}{}", &text[..from], &text[to..]);
        if let Ok(after) = decode_text(&cut)
            && is_breach(&after)
        {
            prop_assert!(decode_text(&text).is_ok_and(|before| is_breach(&before)) || before_is_ignored(&text));
        }
    }

    #[test]
    fn fields_that_nobody_reads_change_nothing(text in any_event(), name in "[b-z]{8,12}", value in any_json()) {
        let extended = text.replacen('{', &format!("{{\"{name}\": {value}, "), 1);
        prop_assert_eq!(decode_text(&extended), decode_text(&text));
    }

    #[test]
    fn a_moment_is_carried_to_the_millisecond(millis in -62_000_000_000_000_i64..250_000_000_000_000) {
        let moment = jiff::Timestamp::from_millisecond(millis).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let text = event("heartbeat").replace("2026-11-23T14:31:40.125Z", &format!("{moment:.3}"));
        match decode_text(&text) {
            Ok(Content::Signal(signal)) => prop_assert_eq!(signal.observed.as_millis(), millis),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

/// Whether the event said nothing because of whose it was, so that a change of a name can make it say something.
fn before_is_ignored(text: &str) -> bool {
    matches!(decode_text(text), Ok(Content::Ignored(_)))
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".*".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Into::into),
            vec(("[a-z]{1,6}", inner), 0..6).prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}
