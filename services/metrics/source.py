"""The requests to the source of prices."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from services.errors import MarketError, RateLimited
from services.metrics import SOURCE_REQUESTS


@contextmanager
def counted(source: str) -> Iterator[None]:
    """Time one request; an error that it raises is its outcome."""
    begun, outcome = time.perf_counter(), "answered"
    try:
        yield
    except RateLimited:
        outcome = "limited"
        raise
    except MarketError:
        outcome = "failed"
        raise
    finally:
        SOURCE_REQUESTS.labels(source, outcome).observe(time.perf_counter() - begun)
