//! The OpenAPI document.

use std::collections::BTreeSet;

use serde_json::Value;
use understudy_engine::service::http::openapi;

use crate::stage::Stage;

fn routes(document: &Value) -> BTreeSet<String> {
    document["paths"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let committed = include_str!("../../../docs/openapi.json");
    let current = format!("{:#}\n", openapi::document());
    assert_eq!(
        committed, current,
        "write it anew: cargo run --release -p understudy-engine --example openapi > docs/openapi.json"
    );
}

#[test]
fn every_route_of_the_sources_is_in_it() {
    let sources = [
        include_str!("../../src/service/http/api.rs"),
        include_str!("../../src/service/http/health.rs"),
        include_str!("../../src/service/http/stream.rs"),
        include_str!("../../src/service/http/page/mod.rs"),
    ];
    let called = sources.iter().flat_map(|source| source.split(".route(").skip(1));
    let path = |rest: &str| {
        rest.trim_start()
            .strip_prefix('"')
            .map(|rest| rest.split('"').next().unwrap().to_owned())
    };
    let called: BTreeSet<String> = called.filter_map(path).collect();
    assert_eq!(called, routes(&openapi::document()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_can_be_read_answers() {
    let stage = Stage::new().await;
    let (_, document) = stage.get("/openapi.json").await;
    for path in routes(&document) {
        let read = document["paths"][&path].get("get").is_some();
        let response = stage.client.get(stage.url(&path)).send().await.unwrap();
        let expected = if read { 200 } else { 405 };
        assert_eq!(response.status().as_u16(), expected, "{path}");
    }
}

#[test]
fn every_reference_in_it_leads_somewhere() {
    fn references<'d>(value: &'d Value, into: &mut BTreeSet<&'d str>) {
        match value {
            Value::Object(object) => {
                into.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, into));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, into)),
            _ => {}
        }
    }
    let document = openapi::document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 10, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}
