//! Frame: traces to a collector, by OTLP over HTTP.
//!
//! Spans wait in a bounded queue and are sent by a thread of their own. A collector that
//! is away, or hangs, costs those spans and one warning; nobody waits for it.

use std::future::Future as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};
use tokio::runtime::Handle;
use tracing_opentelemetry::OpenTelemetryLayer;

use crate::config::Telemetry;

/// Spans that wait for the collector; what comes then is dropped.
const MAX_WAITING: usize = 4096;

/// Spans of one message.
const MAX_BATCH: usize = 512;

/// How often what waits is sent.
const SEND_EVERY: Duration = Duration::from_secs(2);

/// How long a collector may take for one message.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the server's end waits for the last message.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Where a collector takes traces, below the address that it is named by.
const PATH: &str = "/v1/traces";

/// The export of traces, while it goes on.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// `None` where no collector is named.
    pub(super) fn start(config: &Telemetry) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
        let headers = config.otlp_headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.reveal().to_owned()));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender::new()?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(place(endpoint))
            .with_timeout(PATIENCE)
            .with_headers(headers.collect())
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MAX_WAITING)
            .with_max_export_batch_size(MAX_BATCH)
            .with_scheduled_delay(SEND_EVERY)
            .build();
        let sampled = Sampler::TraceIdRatioBased(config.sampling_ratio);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(
                BatchSpanProcessor::builder(exporter).with_batch_config(batches).build(),
            )
            .with_sampler(Sampler::ParentBased(Box::new(sampled)))
            .with_resource(resource(config))
            .build();
        Ok(Some(Self { provider }))
    }

    pub(super) fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("lockhouse"))
            // Where in the source a span stands, and on which thread, is nothing for operators.
            .with_location(false)
            .with_threads(false)
    }

    /// Sends what waits, for a moment; what a collector does not take by then is lost.
    pub(crate) async fn end(self) {
        let ended =
            tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(LAST_PATIENCE));
        if let Ok(Err(error)) = ended.await {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Collectors are named by their address, or by where they take traces.
fn place(endpoint: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    if endpoint.ends_with(PATH) { endpoint.to_owned() } else { format!("{endpoint}{PATH}") }
}

fn resource(config: &Telemetry) -> Resource {
    let further = config.resource.iter();
    let further = further.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder_empty()
        .with_attributes(further)
        .with_service_name(config.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Sends by the HTTP client that the server has, from whatever thread.
#[derive(Debug)]
struct Sender {
    http: reqwest::Client,
    runtime: Handle,
    /// Whether the collector took the last message: each change is told once.
    heard: AtomicBool,
}

impl Sender {
    fn new() -> anyhow::Result<Self> {
        // Another provider may have been chosen first; either will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Collectors are asked directly, whatever proxy the environment names.
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { http, runtime: Handle::current(), heard: AtomicBool::new(true) })
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let mut sending = std::pin::pin!(send(&self.http, request));
        let sent = std::future::poll_fn(|context| {
            // The thread that asks has no runtime of its own.
            let _within = self.runtime.enter();
            sending.as_mut().poll(context)
        })
        .await;
        tell(&self.heard, &sent);
        sent
    }
}

async fn send(
    client: &reqwest::Client,
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, HttpError> {
    let answer = client.execute(request.try_into()?).await?.error_for_status()?;
    let status = answer.status();
    // What it says beside its status is nothing to us.
    Ok(http::Response::builder().status(status).body(Bytes::new())?)
}

fn tell(heard: &AtomicBool, sent: &Result<http::Response<Bytes>, HttpError>) {
    let was_heard = heard.swap(sent.is_ok(), Ordering::Relaxed);
    match sent {
        Err(error) if was_heard => {
            tracing::warn!(%error, "the collector does not take traces; they are dropped meanwhile");
        }
        Ok(_) if !was_heard => tracing::info!("the collector takes traces again"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_named_by_its_address_or_by_where_it_takes_traces() {
        assert_eq!(place("http://c:4318"), "http://c:4318/v1/traces");
        assert_eq!(place("http://c:4318/"), "http://c:4318/v1/traces");
        assert_eq!(place("https://c/otlp/v1/traces"), "https://c/otlp/v1/traces");
    }
}
