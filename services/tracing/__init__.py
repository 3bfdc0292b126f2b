"""Traces: each request and each job is a span, told to OTEL_EXPORTER_OTLP_ENDPOINT.

Nothing of OpenTelemetry's SDK is loaded where that is not set.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from config import Settings, SettingsError

if TYPE_CHECKING:
    from services.tracing.spans import Spans

Kind: TypeAlias = Literal["request", "job"]


class Tell(Protocol):
    def __call__(self, name: str, fields: dict[str, str | int], /, *, is_error: bool) -> None:
        """What a span was; all that is told of it."""


class _Traces:
    spans: "Spans | None" = None


def start_tracing(settings: Settings, part: str) -> None:
    """Trace this process, a `part` of the site, if it is wanted. Raises SettingsError where what
    does it is not installed."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        return
    try:
        from services.tracing.spans import spans_to
    except ImportError as error:
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set, but {error.name} is not installed. Install what"
            " traces: pip install --require-hashes -r requirements_production.txt"
            " -r requirements_traces.txt; or unset it."
        ) from None
    _Traces.spans = spans_to(endpoint, part)


@contextmanager
def span(kind: Kind, traceparent: str | None, *, is_wanted: bool = True) -> Iterator[Tell]:
    """What happens within is a span, of the trace that `traceparent` names if it is one."""
    if _Traces.spans is None or not is_wanted:
        yield _nothing
    else:
        with _Traces.spans.begun(kind, traceparent) as tell:
            yield tell


def traceparent() -> str | None:
    """Names the span in which this thread is, for those who go on with it elsewhere."""
    return _Traces.spans.here() if _Traces.spans else None


def _nothing(_name: str, _fields: dict[str, str | int], /, *, is_error: bool) -> None:
    """Where nothing is traced."""
