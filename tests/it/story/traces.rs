//! Traces, as a collector gets them.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use crate::host::{Host, answer, engine, eventually};

type Variables = &'static [(&'static str, &'static str)];

/// A collector that speaks OTLP over HTTP.
#[derive(Clone, Default)]
struct Collector {
    messages: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    url: String,
}

async fn take(State(collector): State<Collector>, body: Bytes) {
    let message = ExportTraceServiceRequest::decode(body).unwrap();
    collector.messages.lock().unwrap().push(message);
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self { url, ..Self::default() };
        let routes = axum::Router::new().route("/v1/traces", axum::routing::post(take));
        let served = axum::serve(listener, routes.with_state(collector.clone()));
        tokio::spawn(async move { served.await.unwrap() });
        collector
    }

    /// What configures a server to export to it.
    fn variables(&self, further: Variables) -> Variables {
        let url: &'static str = self.url.clone().leak();
        [&[("OTEL_EXPORTER_OTLP_ENDPOINT", url)], further].concat().leak()
    }

    fn spans(&self) -> Vec<Span> {
        let messages = self.messages.lock().unwrap();
        let resources = messages.iter().flat_map(|message| &message.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// The span that fits, once it has come.
    async fn gets(&self, what: &str, fits: impl Fn(&Span) -> bool) -> Span {
        eventually(what, async || {
            let spans = self.spans();
            let names: Vec<_> = spans.iter().map(|span| span.name.clone()).collect();
            spans.into_iter().find(&fits).ok_or(format!("{names:?}"))
        })
        .await
    }

    async fn gets_child(&self, of: &Span, name: &str) -> Span {
        self.gets(name, |span| span.name == name && span.parent_span_id == of.span_id).await
    }
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        other => format!("{other:?}"),
    }
}

const RUN: &str = "POST /api/v1/containers/{project}/exec";

#[tokio::test]
async fn a_command_is_a_tree_of_request_command_and_verdict() {
    let local = need!(local, engine("local").await);
    let collector = Collector::start().await;
    let named = &[("OTEL_SERVICE_NAME", "lock-7"), ("OTEL_RESOURCE_ATTRIBUTES", "rack=7")];
    let host = Host::start_with(local, collector.variables(named)).await;
    host.has_running_project("lab").await;
    let id = host.run("lab", "true").await.headers["x-request-id"].to_str().unwrap().to_owned();
    let request =
        collector.gets(RUN, |span| text(&span.attributes, "lockhouse.request_id") == id).await;
    assert_eq!((request.name.as_str(), request.kind()), (RUN, SpanKind::Server));
    let exec = collector.gets_child(&request, "exec").await;
    assert_eq!(exec.trace_id, request.trace_id);
    let call = collector.gets_child(&exec, "plugin call").await;
    assert_eq!(text(&call.attributes, "lockhouse.plugin.id"), "layered");
    assert!(text(&call.attributes, "lockhouse.plugin.digest").len() > 32, "{call:?}");
    assert!(!text(&call.attributes, "lockhouse.plugin.version").is_empty(), "{call:?}");
    let message = collector.messages.lock().unwrap()[0].clone();
    let resource = message.resource_spans[0].resource.clone().unwrap().attributes;
    assert_eq!(
        (text(&resource, "service.name"), text(&resource, "rack")),
        ("lock-7".into(), "7".into())
    );
}

#[tokio::test]
async fn the_life_of_a_runtime_is_in_the_trace_of_who_asked_for_it() {
    let local = need!(local, engine("local").await);
    let collector = Collector::start().await;
    let host = Host::start_with(local, collector.variables(&[])).await;
    host.has_running_project("lab").await;
    let create = "POST /api/v1/containers/{project}/create";
    let request = collector.gets(create, |span| span.name == create).await;
    let change = collector.gets_child(&request, "runtime change").await;
    assert_eq!(text(&change.attributes, "lockhouse.wanted"), "created");
    let step = collector.gets_child(&change, "runtime step").await;
    assert_eq!(step.trace_id, request.trace_id);
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const NAMED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The span of a request that names a trace, from a caller whom the server trusts or not.
async fn asked_with_a_trace(local: &'static str, trusted: Variables) -> Span {
    let collector = Collector::start().await;
    let host = Host::start_with(local, collector.variables(trusted)).await;
    let asked = host.request(Method::GET, "/api/v1/agents").header("traceparent", NAMED);
    assert_eq!(answer(asked).await.status, 200);
    collector.gets("the request", |span| span.name == "GET /api/v1/agents").await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_trusted_proxy_says_which_trace_a_request_is_part_of() {
    let local = need!(local, engine("local").await);
    let trusted = &[("LOCKHOUSE_SERVER__TRUSTED_PROXIES", "[\"127.0.0.1\"]")];
    let span = asked_with_a_trace(local, trusted).await;
    assert_eq!(hex(&span.trace_id), TRACE);
    assert_eq!(hex(&span.parent_span_id), "00f067aa0ba902b7");
}

#[tokio::test]
async fn what_anybody_else_says_of_a_trace_is_a_link_and_no_more() {
    let local = need!(local, engine("local").await);
    let span = asked_with_a_trace(local, &[]).await;
    assert_ne!(hex(&span.trace_id), TRACE);
    assert_eq!(span.links.iter().map(|link| hex(&link.trace_id)).collect::<Vec<_>>(), [TRACE]);
}

#[tokio::test]
async fn a_share_of_nothing_exports_nothing() {
    let local = need!(local, engine("local").await);
    let collector = Collector::start().await;
    let none = &[("LOCKHOUSE_TELEMETRY__SAMPLING_RATIO", "0")];
    let host = Host::start_with(local, collector.variables(none)).await;
    host.has_running_project("lab").await;
    host.ends_in_order().await;
    assert!(collector.spans().is_empty());
}

#[tokio::test]
async fn a_collector_that_hangs_costs_a_warning_and_no_request() {
    let local = need!(local, engine("local").await);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: &'static str = format!("http://{}", silent.local_addr().unwrap()).leak();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", url)].to_vec().leak();
    let host = Host::start_with(local, variables).await;
    host.has_running_project("lab").await;
    let ran = host.post("/api/v1/containers/lab/exec", json!({ "command": "true" })).await;
    assert_eq!(ran.status, 200, "{}", ran.text);
    eventually("a warning", async || {
        assert_eq!(host.get("/api/v1/projects/lab").await.status, 200);
        let log = std::fs::read_to_string(host.data().join("server.log")).unwrap();
        if log.contains("the collector does not take traces") { Ok(()) } else { Err(log) }
    })
    .await;
    host.ends_in_order().await;
}
