"""Spans by OpenTelemetry's SDK. They are not in its own context, and its provider is not the one
of all: what libraries would add, such as addresses and paths of documents, goes nowhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.tracing import Kind, Tell

_KINDS = {"request": SpanKind.SERVER, "job": SpanKind.CONSUMER}
_PATIENCE = 5.0
"""Seconds for one batch."""
_FORM = TraceContextTextMapPropagator()
_here: ContextVar[Span | None] = ContextVar("span", default=None)


def spans_to(endpoint: str, part: str) -> "Spans":
    """Told from a thread of its own, and to the end when the process ends."""
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=_PATIENCE)
    return Spans(BatchSpanProcessor(exporter), part)


class Spans:
    def __init__(self, processor: SpanProcessor, part: str) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME") or f"bellwether-{part}"
        provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("bellwether")

    @contextmanager
    def begun(self, kind: Kind, traceparent: str | None) -> Iterator[Tell]:
        """A span until the end of the block; the root of a trace where `traceparent` is none."""
        parent = _FORM.extract({"traceparent": traceparent or ""}, Context())
        span = self._tracer.start_span(kind, parent, _KINDS[kind])
        token = _here.set(span)
        try:
            yield _teller(span)
        finally:
            _here.reset(token)
            span.end()

    def here(self) -> str | None:
        carrier: dict[str, str] = {}
        if span := _here.get():
            _FORM.inject(carrier, set_span_in_context(span, Context()))
        return carrier.get("traceparent")


def _teller(span: Span) -> Tell:
    def tell(name: str, fields: dict[str, str | int], /, *, is_error: bool) -> None:
        span.update_name(name)
        span.set_attributes(fields)
        if is_error:
            span.set_status(StatusCode.ERROR)

    return tell
