//! What a reader of files must be able to count on.

use std::time::Duration;

use super::{Diagnostics, Fault, Named, Reader, Source, Table};
use crate::gather;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Colour {
    Red,
    Green,
}

impl Named for Colour {
    const WHAT: &'static str = "a colour";
    const NAMES: &'static [(&'static str, Self)] = &[("red", Self::Red), ("green", Self::Green)];
}

#[derive(Debug, PartialEq)]
struct Lamp {
    colour: Colour,
    after: Duration,
    times: u32,
    share: f64,
    on: bool,
    label: Option<String>,
}

fn lamp(table: &Table<'_>) -> Option<Lamp> {
    gather!(Lamp {
        colour: table.name("colour"),
        after: table.duration("after", Duration::from_secs(1)..=Duration::from_secs(60)),
        times: table.integer("times", 1..=20),
        share: table.share("share"),
        on: table.boolean("on"),
        label: table.optional("label", |label| label.text()),
    })
}

fn lamps(table: &Table<'_>) -> Option<Vec<Lamp>> {
    table.tables("lamp", 1..=3, lamp)
}

fn code(fault: Fault) -> &'static str {
    match fault {
        Fault::Syntax => "syntax",
        Fault::DuplicateKey => "duplicate",
        Fault::UnknownKey => "unknown-key",
        Fault::MissingKey => "missing-key",
        Fault::WrongType => "type",
        Fault::OutOfBounds => "bounds",
        Fault::NotADuration => "duration",
        Fault::UnknownName => "name",
        Fault::BadText => "text",
    }
}

const GOOD: &str = r#"[[lamp]]
colour = "red"
after = "1s500ms"
times = 3
share = 0.5
on = true
"#;

fn wrong(text: &str) -> Diagnostics {
    Reader::read(&Source::new("lamps.toml", text), code, lamps).expect_err(text)
}

fn codes_and_keys(text: &str) -> Vec<(&'static str, String)> {
    let key = |key: &Option<String>| key.clone().unwrap_or_default();
    wrong(text)
        .findings()
        .iter()
        .map(|finding| (finding.code, key(&finding.key)))
        .collect()
}

#[test]
fn a_good_file_is_read() {
    let read = Reader::read(&Source::new("lamps.toml", GOOD), code, lamps).unwrap();
    let after = Duration::from_millis(1500);
    assert_eq!(
        read,
        [Lamp {
            colour: Colour::Red,
            after,
            times: 3,
            share: 0.5,
            on: true,
            label: None
        }]
    );
}

#[test]
fn every_error_of_a_file_is_found_at_once_and_in_order() {
    let text = r#"[[lamp]]
colour = "gren"
after = "90s"
times = "3"
share = 1.5
onn = true
label = ""

[[lamp]]
colour = "green"
after = "soon"
times = 21
share = nan
on = false
"#;
    let found = codes_and_keys(text);
    let expected = [
        ("missing-key", "lamp[0]"),
        ("name", "lamp[0].colour"),
        ("bounds", "lamp[0].after"),
        ("type", "lamp[0].times"),
        ("bounds", "lamp[0].share"),
        ("unknown-key", "lamp[0].onn"),
        ("text", "lamp[0].label"),
        ("duration", "lamp[1].after"),
        ("bounds", "lamp[1].times"),
        ("bounds", "lamp[1].share"),
    ];
    assert_eq!(found, expected.map(|(code, key)| (code, key.to_owned())));
}

#[test]
fn suggestions_name_what_was_likely_meant() {
    let diagnostics = wrong(&GOOD.replace("on =", "onn =").replace("red", "rad"));
    let help: Vec<&str> = diagnostics
        .findings()
        .iter()
        .filter_map(|finding| finding.help.as_deref())
        .collect();
    assert!(help.iter().any(|help| help.contains("did you mean `on`?")), "{help:?}");
    assert!(help.iter().any(|help| help.contains("did you mean `red`?")), "{help:?}");
}

#[test]
fn a_broken_line_is_reported_once_and_hides_what_would_follow_from_it() {
    assert_eq!(
        codes_and_keys(&GOOD.replace("times = 3", "times 3")),
        [("syntax", String::new())]
    );
    let with_another = GOOD.replace("times = 3", "times = ").replace("0.5", "7");
    let codes: Vec<_> = codes_and_keys(&with_another)
        .into_iter()
        .map(|(code, _)| code)
        .collect();
    assert_eq!(codes, ["syntax", "bounds"]);
}

#[test]
fn a_key_that_is_set_twice_is_refused() {
    let found = codes_and_keys(&GOOD.replace("times = 3", "times = 3\ntimes = 4"));
    assert_eq!(found, [("duplicate", "times".to_owned())]);
}

#[test]
fn lists_have_bounds_and_wrong_shapes_are_named() {
    assert_eq!(codes_and_keys(&GOOD.repeat(4)), [("bounds", "lamp".to_owned())]);
    assert_eq!(codes_and_keys("lamp = 3"), [("type", "lamp".to_owned())]);
    assert_eq!(codes_and_keys("lamp = [3]"), [("type", "lamp[0]".to_owned())]);
    assert_eq!(codes_and_keys(""), [("missing-key", String::new())]);
}

#[test]
fn numbers_beyond_64_bits_are_out_of_bounds() {
    let found = codes_and_keys(&GOOD.replace("times = 3", "times = 99999999999999999999999"));
    assert_eq!(found, [("bounds", "lamp[0].times".to_owned())]);
}

#[test]
fn positions_count_lines_and_characters_from_one() {
    let diagnostics = wrong(&GOOD.replace("\"red\"", "\"gréen\""));
    assert_eq!(
        diagnostics.to_string(),
        "lamps.toml:2:10: error[name]: `lamp[0].colour`: `gréen` is not a colour"
    );
    let json = serde_json::to_value(&diagnostics).unwrap();
    assert_eq!(json["findings"][0]["line"], 2);
    assert_eq!(json["findings"][0]["column"], 10);
    assert_eq!(json["findings"][0]["labels"][0]["to"]["column"], 17);
}

#[test]
fn rendering_underlines_the_place() {
    let text = wrong(&GOOD.replace("times = 3", "times = 99")).render(super::Style::Plain);
    assert!(
        text.contains("times = 99") && text.contains("write a whole number from 1 to 20"),
        "{text}"
    );
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn no_prefix_of_a_file_makes_the_reader_panic() {
    let text = format!("{GOOD}label = \"gr\u{fc}n \\u0041\"\n");
    for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        if let Err(diagnostics) = Reader::read(&Source::new("lamps.toml", &text[..end]), code, lamps) {
            assert!(
                !diagnostics.findings().is_empty(),
                "an error without a finding: {:?}",
                &text[..end]
            );
            assert!(!diagnostics.render(super::Style::Fancy).is_empty());
        }
    }
}
