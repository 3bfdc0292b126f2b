"""What is told of requests and jobs where traces are wanted."""

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from pydantic import ValidationError
from redis import Redis
from rq import Queue

from config import Settings, SettingsError
from services import tracing
from services.tracing.spans import Spans, spans_to
from tests.support.web import Site
from workers.queues import RqJobs
from workers.worker import SeenWorker

TRACE = "0af7651916cd43dd8448eb211c80319c"
SENT = f"00-{TRACE}-b7ad6b7169203331-01"
HEARD = SimpleQueue[tuple[str, bytes]]


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    kept = InMemorySpanExporter()
    spans = Spans(SimpleSpanProcessor(kept), "web")
    monkeypatch.setattr(tracing._Traces, "spans", spans)
    return kept


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


def work(redis: Redis) -> None:
    queue = Queue("fast", connection=redis)
    SeenWorker([queue], connection=redis).work(burst=True, logging_level=None)


def fail(said: str) -> None:
    get_current_span().set_attribute("of a library", said)
    raise ValueError(said)


def test_a_span_of_a_request_tells_its_method_route_and_status_and_nothing_else(
    exporter: InMemorySpanExporter, site: Site
) -> None:
    def view(part: str) -> str:
        get_current_span().set_attribute("of a library", part)
        return part

    site.app.add_url_rule("/looks/<part>", view_func=view)
    client = site.app.test_client()
    client.get("/looks/a-secret?mail=ada@example.com", headers={"User-Agent": "a-browser"})
    span = only(exporter)
    assert (span.name, span.kind) == ("GET /looks/<part>", SpanKind.SERVER)
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/looks/<part>",
        "http.response.status_code": 200,
    }
    text = span.to_json()
    assert not [secret for secret in ("a-secret", "ada@", "a-browser") if secret in text]


def test_an_address_that_is_none_is_not_told(exporter: InMemorySpanExporter, site: Site) -> None:
    site.app.test_client().get("/a-secret")
    assert only(exporter).name == "- none"


def test_a_request_that_fails_is_an_error(exporter: InMemorySpanExporter, site: Site) -> None:
    site.app.config.update(PROPAGATE_EXCEPTIONS=False)
    site.app.add_url_rule("/crash", view_func=lambda: fail("a-secret"), endpoint="crash")
    site.app.test_client().get("/crash")
    assert only(exporter).status.status_code is StatusCode.ERROR
    assert "a-secret" not in only(exporter).to_json()


def test_a_request_goes_on_with_the_trace_of_the_proxy(
    exporter: InMemorySpanExporter, site: Site
) -> None:
    site.app.test_client().get("/help", headers={"traceparent": SENT})
    assert f"{only(exporter).context.trace_id:032x}" == TRACE


def test_probes_are_not_traced(exporter: InMemorySpanExporter, site: Site) -> None:
    site.app.test_client().get("/ready")
    assert exporter.get_finished_spans() == ()


def test_a_job_goes_on_with_the_trace_of_the_request_that_asked_for_it(
    exporter: InMemorySpanExporter, site: Site, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.jobs.search_symbols", lambda _: None)
    jobs = RqJobs(redis)

    def ask() -> str:
        jobs.search_symbols("a-secret")
        return ""

    site.app.add_url_rule("/ask", view_func=ask)
    site.app.test_client().get("/ask")
    work(redis)
    asked, done = exporter.get_finished_spans()
    assert done.parent is not None
    assert (done.parent.trace_id, done.parent.span_id) == (
        asked.context.trace_id,
        asked.context.span_id,
    )
    assert (done.name, done.kind) == ("search_symbols", SpanKind.CONSUMER)
    assert dict(done.attributes or {}) == {"messaging.destination.name": "fast"}


def test_a_job_that_fails_is_an_error_without_its_message(
    exporter: InMemorySpanExporter, redis: Redis
) -> None:
    Queue("fast", connection=redis).enqueue("tests.test_tracing.fail", "a-secret")
    work(redis)
    span = only(exporter)
    assert (span.status.status_code, span.parent) == (StatusCode.ERROR, None)
    assert "a-secret" not in span.to_json()


def test_jobs_carry_nothing_where_nothing_is_traced(redis: Redis) -> None:
    RqJobs(redis).search_symbols("SAP")
    (job,) = Queue("fast", connection=redis).jobs
    assert job.meta == {}


@pytest.fixture
def collector() -> Iterator[tuple[str, HEARD]]:
    heard: HEARD = SimpleQueue()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.put((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", heard
    server.shutdown()
    server.server_close()


def test_spans_arrive_at_the_endpoint(
    collector: tuple[str, HEARD], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, heard = collector
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    with spans_to(endpoint, "worker").begun("job", None) as tell:
        tell("sweep", {}, is_error=False)
    path, body = heard.get(timeout=10)
    assert path == "/v1/traces"
    assert b"sweep" in body
    assert b"bellwether-worker" in body


def test_an_endpoint_without_what_traces_is_told_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "services.tracing.spans")
    settings = Settings(_env_file=None, otel_exporter_otlp_endpoint="http://127.0.0.1:1")
    with pytest.raises(SettingsError, match=r"-r requirements_traces\.txt"):
        tracing.start_tracing(settings, "web")


def test_an_endpoint_that_is_no_address_cannot_be_set() -> None:
    with pytest.raises(ValidationError, match="http://collector:4318"):
        Settings(_env_file=None, otel_exporter_otlp_endpoint="collector:4317")
