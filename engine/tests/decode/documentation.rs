//! `docs/events.md` names every outcome, and only those.

use std::collections::BTreeSet;
use std::path::Path;

use understudy_engine::decode::Counters;

#[test]
fn the_page_lists_exactly_the_counters_there_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.md");
    let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut group = "";
    let mut listed = BTreeSet::new();
    for line in page.lines() {
        let mut cells = line.strip_prefix("| ").unwrap_or_default().split('`');
        let (before, name) = (cells.next(), cells.next());
        match (before, name) {
            (Some("Counter "), Some(name)) => group = name,
            (Some(""), Some(name)) => {
                listed.insert((group, name));
            }
            _ => {}
        }
    }
    let counters = Counters::new();
    let counted: BTreeSet<_> = counters
        .iter()
        .map(|(group, label, _)| (group.label(), label))
        .collect();
    assert_eq!(listed, counted);
}
