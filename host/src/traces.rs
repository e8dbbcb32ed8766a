//! Ground: which trace something belongs to. Spans of this target are exported where the
//! operator names a collector (`telemetry`), and are otherwise never made; log lines do not
//! show them.

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// What spans for traces call their target.
pub(crate) const SPANS: &str = "lockhouse::spans";

/// The header by which a caller names the trace that it is part of.
pub(crate) const HEADER: &str = "traceparent";

/// Joins the trace that a caller named. Only who is trusted may say that a span is part of
/// another trace, and whether that is kept; of everybody else it is noted as a link.
pub(crate) fn join(span: &Span, named: &str, trusted: bool) {
    let theirs = TraceContextPropagator::new().extract(&Named(named));
    if !theirs.span().span_context().is_valid() {
        return;
    }
    if !trusted {
        span.add_link(theirs.span().span_context().clone());
    } else if let Err(error) = span.set_parent(theirs) {
        tracing::debug!(?error, "a trace was not joined");
    }
}

struct Named<'a>(&'a str);

impl Extractor for Named<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == HEADER).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![HEADER]
    }
}
