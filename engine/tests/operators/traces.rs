//! What a collector gets of a failover.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::sync::mpsc;
use understudy_engine::service::observability::traces::{Whose, trace};

use crate::stage::Stage;

type Seen = mpsc::UnboundedSender<ExportTraceServiceRequest>;

async fn collect(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    seen.send(ExportTraceServiceRequest::decode(body).unwrap()).unwrap();
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_one_trace_with_a_span_for_each_state_and_each_step() {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let collector = Router::new()
        .route("/v1/traces", post(collect))
        .with_state(Arc::new(sender));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, collector).await });

    let stage = Stage::new().await;
    let whose = Whose {
        regions: ["us-east-1".to_owned(), "us-east-2".to_owned()],
        region: "us-east-2".to_owned(),
        sidecar: 1,
    };
    let endpoint = endpoint.parse().unwrap();
    trace(&endpoint, stage.client.clone(), whose, stage.journal()).unwrap();
    stage.change(|world| world.home_up = false);
    stage.until_state("rejoining").await;

    let mut spans: Vec<Span> = Vec::new();
    while spans.iter().all(|span| span.name != "failover") {
        let request = seen.recv().await.unwrap();
        let resource = &request.resource_spans[0].resource.as_ref().unwrap().attributes;
        assert!(resource.iter().any(|attribute| attribute.key == "service.name"));
        let scopes = request.resource_spans.into_iter().flat_map(|spans| spans.scope_spans);
        spans.extend(scopes.flat_map(|scope| scope.spans));
    }
    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| {
            panic!(
                "no span {name}: {:?}",
                spans.iter().map(|s| &s.name).collect::<Vec<_>>()
            )
        })
    };
    let root = named("failover");
    assert!(root.parent_span_id.is_empty());
    assert_eq!(attribute(root, "understudy.region").as_deref(), Some("us-east-2"));
    assert_eq!(root.status.as_ref().unwrap().code, 1, "{:?}", root.status);
    let completed = root.events.iter().find(|event| event.name == "completed").unwrap();
    assert!(
        completed
            .attributes
            .iter()
            .any(|attribute| attribute.key == "understudy.promote_seconds")
    );
    for span in &spans {
        assert_eq!(span.trace_id, root.trace_id, "{}", span.name);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{}", span.name);
        assert!(span.start_time_unix_nano >= root.start_time_unix_nano, "{}", span.name);
    }
    for state in ["suspicious", "claiming", "acquiring", "moving", "verifying"] {
        assert_eq!(named(state).parent_span_id, root.span_id, "{state}");
    }
    for (step, state) in [
        ("claim-lease", "claiming"),
        ("raise-epoch", "acquiring"),
        ("promote-database", "moving"),
        ("verify-write", "verifying"),
    ] {
        assert_eq!(named(step).parent_span_id, named(state).span_id, "{step}");
        assert_eq!(
            attribute(named(step), "understudy.outcome").as_deref(),
            Some("done"),
            "{step}"
        );
    }
    assert_eq!(
        attribute(named("promote-database"), "understudy.epoch").as_deref(),
        Some("2")
    );
}
