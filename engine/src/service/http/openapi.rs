//! The document of the operators' API, in OpenAPI 3.1. Its objects are derived from the types that are sent; a test
//! keeps `docs/openapi.json` equal to it, and looks that every route is in it.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::service::operators::shapes::{
    CommandAnswer, CommandRequest, ErrorAnswer, HealthAnswer, HistoryAnswer, ShadowAnswer, StatusAnswer, WhyAnswer,
};

/// The document.
#[must_use]
pub fn document() -> Value {
    // OpenAPI 3.1 takes JSON Schema as it is.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let paths = paths(&mut schemas);
    let definitions: Map<String, Value> = schemas.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Understudy: the operators' API of a sidecar",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "On loopback unless told otherwise. Reading needs no token; a change needs the operators' \
                token. Times are RFC 3339 in UTC, spans are seconds. Fields may be added; none changes its meaning.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "http://127.0.0.1:7070" }],
        "paths": paths,
        "components": {
            "securitySchemes": { "operator": { "type": "http", "scheme": "bearer" } },
            "schemas": definitions,
        },
    })
}

fn paths(schemas: &mut SchemaGenerator) -> Value {
    let error = object::<ErrorAnswer>(schemas);
    let errors = |also: &[(&str, &str)]| {
        let mut answers = Map::new();
        let always = [
            ("421", "The host name of the request is not known here."),
            ("503", "The core does not answer."),
        ];
        for (status, text) in always.iter().chain(also) {
            answers.insert(
                (*status).to_owned(),
                json!({ "description": text, "content": error.clone() }),
            );
        }
        answers
    };
    let read = |id: &str, summary: &str, content: Value| {
        let mut answers = errors(&[]);
        answers.insert("200".to_owned(), json!({ "description": summary, "content": content }));
        json!({ "get": { "operationId": id, "summary": summary, "responses": answers } })
    };
    let mut history = read(
        "history",
        "What was written down; with `shadow`, what an armed engine would have done.",
        json!({ "application/json": { "schema": { "oneOf": [
            schemas.subschema_for::<HistoryAnswer>(),
            schemas.subschema_for::<ShadowAnswer>(),
        ] } } }),
    );
    history["get"]["parameters"] = json!([
        {
            "name": "since", "in": "query", "schema": { "type": "string", "example": "24h" },
            "description": "How far back, such as `90m` or `7d`. A day if left out; four weeks with `shadow`.",
        },
        {
            "name": "shadow", "in": "query", "allowEmptyValue": true, "schema": { "type": "boolean", "default": false },
            "description": "The summary of shadow mode instead of the entries.",
        },
    ]);
    history["get"]["responses"]["400"] = json!({ "description": "A parameter is wrong.", "content": error.clone() });
    let command = object::<CommandAnswer>(schemas);
    let mut answers = errors(&[
        ("400", "The request makes no sense."),
        ("401", "No token, or none of an operator."),
        ("403", "A page of another site asked."),
        ("413", "More than 16 KiB."),
        ("415", "Not JSON."),
    ]);
    for (status, text) in [
        ("200", "It was carried out; or a dry run."),
        ("202", "The first of two people has consented."),
        ("409", "Refused, with the guard or the state that refuses it."),
    ] {
        answers.insert(
            status.to_owned(),
            json!({ "description": text, "content": command.clone() }),
        );
    }
    let health = |schemas: &mut SchemaGenerator, id: &str, summary: &str| {
        let content = object::<HealthAnswer>(schemas);
        json!({ "get": { "operationId": id, "summary": summary, "responses": {
            "200": { "description": "It is.", "content": content.clone() },
            "503": { "description": "It is not; the checks say why.", "content": content },
        } } })
    };
    let stream = |id: &str, summary: &str| {
        read(
            id,
            summary,
            json!({ "text/event-stream": { "schema": { "type": "string" } } }),
        )
    };
    let text = |kind: &str| {
        let mut content = Map::new();
        content.insert(kind.to_owned(), json!({ "schema": { "type": "string" } }));
        Value::Object(content)
    };
    let status = object::<StatusAnswer>(schemas);
    let why = object::<WhyAnswer>(schemas);
    json!({
        "/v1/status": read("status", "The sidecar as it stands.", status),
        "/v1/why": read("why", "Why the engine did what it did, and why it does not do otherwise now.", why),
        "/v1/history": history,
        "/v1/commands": { "post": {
            "operationId": "command",
            "summary": "Does what an operator asks for; with `dry_run`, says what it would do.",
            "security": [{ "operator": [] }],
            "requestBody": { "required": true, "content": object::<CommandRequest>(schemas) },
            "responses": answers,
        } },
        "/v1/stream": stream("stream", "Events named `status`, each with the object of `/v1/status`: every second, and whenever the state machine moves."),
        "/live": stream("live", "Events named `page`, each with the live part of the status page as HTML."),
        "/healthz": health(schemas, "healthz", "Whether the process is alive and its core turns."),
        "/readyz": health(schemas, "readyz", "Whether it knows where the platform stands."),
        "/metrics": read("metrics", "What was counted, for Prometheus.", text("text/plain")),
        "/openapi.json": read("openapi", "This document.", json!({ "application/json": { "schema": { "type": "object" } } })),
        "/": read("page", "The status page.", text("text/html")),
        "/assets/page.css": read("style", "The status page's style.", text("text/css")),
        "/assets/page.js": read("script", "The status page's script.", text("text/javascript")),
    })
}

fn object<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    json!({ "application/json": { "schema": schemas.subschema_for::<T>() } })
}
