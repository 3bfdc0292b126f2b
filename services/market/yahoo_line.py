"""The line to Yahoo: yfinance's cookies and crumb, a time limit on all of it, and plain errors."""

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol, cast

import yfinance
from curl_cffi.requests import Session as BrowserSession
from peewee import PeeweeException
from yfinance.data import YfData
from yfinance.exceptions import YFException, YFRateLimitError

from services.errors import RateLimited, SourceUnavailable

TIME_LIMIT = timedelta(seconds=10)
_REFUSALS = frozenset({401, 403, 429, 999})
_REFUSAL_TEXT = "Too Many Requests"
# Beside the network's own errors: yfinance reads consent pages and cookies without checking
# them, and keeps cookies in SQLite.
_FAULTS = (
    OSError, ValueError, LookupError, TypeError, AttributeError, YFException, PeeweeException
)  # fmt: skip

# When the running question's time is up. Not the line's own: lines may share a session.
_ends: ContextVar[float] = ContextVar("ends", default=0.0)


class Session(Protocol):
    """What yfinance takes: a session of curl_cffi or requests."""

    request: Callable[..., Any]


class YahooLine:
    """Asks Yahoo one thing at a time. `time_limit` bounds a whole question: cookies, crumb,
    yfinance's own retry and the answer."""

    def __init__(
        self,
        session: Session | None = None,
        cache_folder: Path | None = None,
        time_limit: timedelta = TIME_LIMIT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without a `session`, one that looks like a browser, as yfinance's own does.

        yfinance keeps its cookies in `cache_folder`, which no other process may use at the same
        time, or in a temporary one of this process.
        """
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # failures are ours to tell
        yfinance.set_tz_cache_location(str(cache_folder or _private_folder().name))
        self._session = session or cast(Session, BrowserSession(impersonate="chrome"))
        self._send = self._session.request
        self._session.request = self._send_in_time
        self._seconds = time_limit.total_seconds()
        self._monotonic = monotonic
        self._turn = threading.Lock()
        self._handshake = self._new_handshake()

    def ask(self, url: str, params: Mapping[str, str], absent: frozenset[int]) -> Any:
        """The JSON answer, or None for a status in `absent`.

        Raises RateLimited when refused, SourceUnavailable on any other failure.
        """
        with self._turn:
            asked = _ends.set(self._monotonic() + self._seconds)
            try:
                return self._answer(url, params, absent)
            except (RateLimited, SourceUnavailable):
                # A refusal's text may have been kept as the crumb: begin anew next time.
                self._handshake = self._new_handshake()
                raise
            finally:
                _ends.reset(asked)

    def _answer(self, url: str, params: Mapping[str, str], absent: frozenset[int]) -> Any:
        try:
            response = self._handshake.get(url, params=dict(params), timeout=self._seconds)
        except YFRateLimitError:
            raise RateLimited("Yahoo asked us to slow down.") from None
        except _FAULTS as error:
            raise SourceUnavailable(f"Yahoo did not answer ({_name(error)}).") from error
        status = response.status_code
        if status in _REFUSALS or (_REFUSAL_TEXT in response.text[:200]):
            raise RateLimited(f"Yahoo asked us to slow down (status {status}).")
        if status in absent:
            return None
        if status != 200:
            raise SourceUnavailable(f"Yahoo answered with status {status}.")
        try:
            return response.json()
        except (ValueError, RecursionError) as error:
            raise SourceUnavailable("Yahoo's answer is not JSON.") from error

    def _send_in_time(self, method: str, url: str, **options: Any) -> Any:
        left = _ends.get() - self._monotonic()
        if left <= 0:
            raise TimeoutError("no time is left for this question")
        return self._send(method, url, **{**options, "timeout": left})

    def _new_handshake(self) -> Any:
        # YfData is a singleton that would share one session, crumb and fault among all;
        # calling its class past its metaclass gives one of our own.
        return type.__call__(YfData, session=self._session)


@cache
def _private_folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="bellwether-yahoo-")


def _name(error: BaseException) -> str:
    return type(error).__name__
