//! Traces of role changes, for an OpenTelemetry collector: one trace for each failover or failback, in it one span for
//! each state that it passes, and in these one for each attempt at a step.
//!
//! They are made from the journal's entries as they are written, with the entries' own times, so the engine itself does
//! nothing for them. A thread of its own sends each span when it ends; a collector that is slow or away costs spans and
//! nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use opentelemetry::trace::{Span, SpanBuilder, SpanKind, Status, TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use reqwest::{Client, Url};
use tokio::runtime::Handle;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tracing::warn;

use crate::core::effect::{Effect, Outcome};
use crate::core::ids::EffectId;
use crate::core::journal::{Happening, JournalEntry};
use crate::core::ledger::{Ledger, Phase};
use crate::core::machine::{Edge, StateName};
use crate::core::time::WallTime;
use crate::words::{self, Names};

/// How long the collector may take for one span.
const PATIENCE: Duration = Duration::from_secs(5);
/// Effects whose outcome is awaited. There are a dozen at one time; the oldest give way.
const STEPS_MAX: usize = 256;

/// Whose traces they are.
#[derive(Debug, Clone)]
pub struct Whose {
    /// The two regions' names, home first.
    pub regions: [String; 2],
    /// The sidecar's region.
    pub region: String,
    /// Which of its sidecars.
    pub sidecar: u16,
}

/// Begins to trace, until there will be nothing more to tell. `endpoint` is the collector's address for traces, such as
/// `http://127.0.0.1:4318/v1/traces`.
///
/// # Errors
/// When the exporter or its thread cannot be set up.
pub fn trace(
    endpoint: &Url,
    client: Client,
    whose: Whose,
    mut journal: Receiver<Arc<JournalEntry>>,
) -> Result<(), String> {
    let transport = Transport {
        client,
        runtime: Handle::current(),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(transport)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.as_str())
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| error.to_string())?;
    let resource = Resource::builder_empty()
        .with_service_name("understudy-engine")
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", format!("{}/{}", whose.region, whose.sidecar)),
            KeyValue::new("cloud.region", whose.region.clone()),
        ])
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_simple_exporter(exporter)
        .build();
    let tracer = provider.tracer("understudy-engine");
    let thread = std::thread::Builder::new().name("traces".to_owned());
    let work = move || {
        let mut traces = Traces::new(tracer, whose);
        loop {
            match journal.blocking_recv() {
                Ok(entry) => traces.take(&entry),
                Err(RecvError::Lagged(entries)) => warn!(entries, "the collector is slow: traces have gaps"),
                Err(RecvError::Closed) => break,
            }
        }
        drop(traces);
        // What could not be sent is lost, as it would be with any other exporter.
        drop(provider.shutdown());
    };
    thread.spawn(work).map(drop).map_err(|error| error.to_string())
}

/// Sends with the process's own client, on its runtime, whatever thread asks.
#[derive(Debug)]
struct Transport {
    client: Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Transport {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move {
            let response = client.execute(request).await?;
            let status = response.status();
            let body = response.bytes().await?;
            Ok::<_, reqwest::Error>((status, body))
        });
        let (status, body) = sending.await??;
        Ok(Response::builder().status(status).body(body)?)
    }
}

/// The trace under way.
struct Change {
    root: Context,
    state: Option<Context>,
    steps: BTreeMap<EffectId, Context>,
}

struct Traces {
    tracer: SdkTracer,
    whose: Whose,
    /// Since when something has been suspicious: a failover's trace begins there.
    suspicious: Option<WallTime>,
    change: Option<Change>,
    /// A failover that is over: the journal's next entry is its account.
    verified: Option<Context>,
}

impl Traces {
    const fn new(tracer: SdkTracer, whose: Whose) -> Self {
        Self {
            tracer,
            whose,
            suspicious: None,
            change: None,
            verified: None,
        }
    }

    fn take(&mut self, entry: &JournalEntry) {
        let at = entry.at.wall;
        match &entry.what {
            Happening::Moved { from, to, edge } => self.moved(at, *from, *to, *edge),
            Happening::Decided(decision) => {
                let sentence = words::decision(decision, names(&self.whose));
                self.note(at, "decision", vec![KeyValue::new("understudy.decision", sentence)]);
            }
            Happening::Asked(effect) => self.asked(at, effect),
            Happening::Settled { id, outcome, .. } => self.settled(at, *id, outcome),
            Happening::Completed(ledger) => {
                if let Some(root) = self.verified.take() {
                    let root = root.span();
                    root.add_event_with_timestamp("completed", moment(at), account(ledger));
                    root.end_with_timestamp(moment(at));
                }
            }
            Happening::Witness { .. }
            | Happening::Assessed { .. }
            | Happening::Commanded { .. }
            | Happening::Signed { .. }
            | Happening::Unhandled { .. } => {}
        }
    }

    fn moved(&mut self, at: WallTime, from: StateName, to: StateName, edge: Edge) {
        match to {
            StateName::Suspicious | StateName::Blocked => {
                self.suspicious.get_or_insert(at);
            }
            StateName::Steady if self.change.is_none() => self.suspicious = None,
            _ => {}
        }
        if self.change.is_none() {
            if !to.is_role_change() {
                return;
            }
            self.begin(at, from, to);
        }
        let Some(change) = &mut self.change else { return };
        if let Some(state) = change.state.take() {
            state.span().end_with_timestamp(moment(at));
        }
        let root = change.root.span();
        root.add_event_with_timestamp(
            "moved",
            moment(at),
            vec![KeyValue::new("understudy.because", edge.sentence())],
        );
        if to.is_role_change() {
            let span = builder(to.name(), at).start_with_context(&self.tracer, &change.root);
            change.state = Some(change.root.with_span(span));
            return;
        }
        self.suspicious = None;
        let Some(change) = self.change.take() else { return };
        for step in change.steps.values() {
            // It goes on beside the next state, and nobody will say in this trace what came of it.
            step.span().end_with_timestamp(moment(at));
        }
        let root = change.root.span();
        let done = matches!(edge, Edge::FailoverVerified | Edge::HomeConfirmed);
        root.set_status(if done {
            Status::Ok
        } else {
            Status::error(edge.sentence())
        });
        if edge == Edge::FailoverVerified {
            self.verified = Some(change.root.clone());
        } else {
            root.end_with_timestamp(moment(at));
        }
    }

    fn begin(&mut self, at: WallTime, from: StateName, to: StateName) {
        let home = to.superstate() == Some("handing_back");
        let name = if home { "failback" } else { "failover" };
        let began = self.suspicious.filter(|_| !home).unwrap_or(at);
        let attributes = [
            KeyValue::new("understudy.region", self.whose.region.clone()),
            KeyValue::new("understudy.sidecar", i64::from(self.whose.sidecar)),
            KeyValue::new("understudy.from_state", from.name()),
        ];
        let root = builder(name, began)
            .with_kind(SpanKind::Internal)
            .with_attributes(attributes);
        let root = Context::new().with_span(root.start_with_context(&self.tracer, &Context::new()));
        if began < at {
            let mut detecting = builder("suspicious", began).start_with_context(&self.tracer, &root);
            detecting.end_with_timestamp(moment(at));
        }
        self.change = Some(Change {
            root,
            state: None,
            steps: BTreeMap::new(),
        });
    }

    fn asked(&mut self, at: WallTime, effect: &Effect) {
        let Some(change) = &mut self.change else { return };
        let what = words::intent(&effect.intent, names(&self.whose)).unwrap_or_default();
        let attributes = [
            KeyValue::new("understudy.does", what),
            KeyValue::new("understudy.epoch", number(effect.epoch.0)),
            KeyValue::new("understudy.effect", number(effect.id.0)),
        ];
        let span = builder(words::intent_name(&effect.intent), at)
            .with_kind(SpanKind::Client)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, change.state.as_ref().unwrap_or(&change.root));
        if change.steps.len() == STEPS_MAX {
            change.steps.pop_first();
        }
        change.steps.insert(effect.id, change.root.with_span(span));
    }

    fn settled(&mut self, at: WallTime, id: EffectId, outcome: &Outcome) {
        let Some(step) = self.change.as_mut().and_then(|change| change.steps.remove(&id)) else {
            return;
        };
        let name = words::outcome_name(outcome);
        let span = step.span();
        span.set_attribute(KeyValue::new("understudy.outcome", name));
        span.set_status(if name == "done" {
            Status::Ok
        } else {
            Status::error(name)
        });
        span.end_with_timestamp(moment(at));
    }

    fn note(&self, at: WallTime, name: &'static str, attributes: Vec<KeyValue>) {
        if let Some(change) = &self.change {
            change
                .root
                .span()
                .add_event_with_timestamp(name, moment(at), attributes);
        }
    }
}

fn builder(name: &'static str, at: WallTime) -> SpanBuilder {
    SpanBuilder::from_name(name).with_start_time(moment(at))
}

fn names(whose: &Whose) -> Names<'_> {
    [&whose.regions[0], &whose.regions[1]]
}

/// What each phase used, in seconds.
fn account(ledger: &Ledger) -> Vec<KeyValue> {
    let spans = Phase::ALL.into_iter().filter_map(|phase| {
        let span = ledger.span(phase)?;
        let used = span.ended?.since(span.began).as_secs_f64();
        Some(KeyValue::new(format!("understudy.{}_seconds", phase.name()), used))
    });
    spans.collect()
}

fn moment(at: WallTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + at.since(WallTime::default())
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
