//! Spans as they leave: the ones at the seams, with the numbers that the context gave them.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::trace::SEAM;
use super::{clock, export};
use crate::model::trace::{SpanId, TraceId};

/// One that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub name: &'static str,
    pub trace: TraceId,
    pub span: SpanId,
    pub parent: Option<SpanId>,
    pub began: Timestamp,
    pub ended: Timestamp,
}

impl Span {
    /// As OTLP has it. What asks and what answers is known by the name.
    pub(super) fn told(&self, service: &str) -> Value {
        let kind = match (self.name, service) {
            ("request" | "call", "hauki") => 3,
            ("request" | "hello" | "call", _) => 2,
            _ => 1,
        };
        let mut told = json!({
            "traceId": self.trace.to_string(),
            "spanId": self.span.to_string(),
            "name": self.name,
            "kind": kind,
            "startTimeUnixNano": self.began.as_nanosecond().to_string(),
            "endTimeUnixNano": self.ended.as_nanosecond().to_string(),
        });
        if let Some(parent) = self.parent {
            told["parentSpanId"] = parent.to_string().into();
        }
        told
    }
}

/// Collects the spans at the seams, while somebody wants them.
pub(super) struct Collector;

/// Asked for each place in the code once, and again when that changes.
pub(super) struct ExportFilter;

impl ExportFilter {
    /// Spans, and the question whether they are wanted.
    fn is(metadata: &Metadata<'_>) -> bool {
        export::is_on() && metadata.target() == SEAM && !metadata.is_event()
    }
}

impl<S> Filter<S> for ExportFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        Self::is(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::is(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if export::is_on() { LevelFilter::DEBUG } else { LevelFilter::OFF })
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collector {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut numbers = Numbers::default();
        attributes.record(&mut numbers);
        let (Some(trace), Some(own), Some(span)) = (
            NonZeroU128::new(numbers.trace),
            u64::try_from(numbers.span).ok().and_then(NonZeroU64::new),
            context.span(id),
        ) else {
            return;
        };
        let parent = u64::try_from(numbers.parent).ok().and_then(NonZeroU64::new).map(SpanId);
        let (began, name) = (clock::now(), attributes.metadata().name());
        span.extensions_mut().insert(Span {
            name,
            trace: TraceId(trace),
            span: SpanId(own),
            parent,
            began,
            ended: began,
        });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).and_then(|span| span.extensions_mut().remove::<Span>());
        if let Some(span) = span {
            export::take(Span { ended: clock::now(), ..span });
        }
    }
}

/// The three fields of a seam, which are hexadecimal numbers.
#[derive(Default)]
struct Numbers {
    trace: u128,
    span: u128,
    parent: u128,
}

impl Visit for Numbers {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let place = match field.name() {
            "trace" => &mut self.trace,
            "span" => &mut self.span,
            "parent" => &mut self.parent,
            _ => return,
        };
        *place = u128::from_str_radix(&format!("{value:?}"), 16).unwrap_or(0);
    }
}
