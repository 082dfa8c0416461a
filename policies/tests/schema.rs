//! The committed JSON Schema is the one of this release.

#[test]
fn the_committed_schema_is_current() {
    let committed = include_str!("../schema/policy.schema.json");
    let hint = "run `cargo run -p understudy-policies -- schema > policies/schema/policy.schema.json`";
    assert!(committed == understudy_policies::schema::text(), "{hint}");
}
