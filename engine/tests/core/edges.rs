//! The edges are reviewed: changing one changes the snapshot and the page.

use understudy_engine::core::machine::{explore, page};

#[test]
fn the_edge_table_is_the_reviewed_one() {
    insta::assert_json_snapshot!(explore());
}

#[test]
fn the_page_on_the_state_machine_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/state-machine.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page(&explore()),
        "docs/state-machine.md is out of date; run `cargo run -p understudy-engine --example state_machine_page > \
         docs/state-machine.md`"
    );
}
