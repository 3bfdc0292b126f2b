"""Markets for tests: the replay, a scripted provider, and Yahoo's answers served on loopback."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests
from redis import Redis
from requests.adapters import HTTPAdapter

from services.errors import MarketError
from services.jobs import AccountMail, Notice, Waiting
from services.market.cache import QuoteCache
from services.market.fetch import fetch_into_cache, search_into_cache
from services.market.fetch_hours import hours_into_cache
from services.market.fetch_past import bars_into_cache, earnings_into_cache
from services.market.fetch_sparks import sparks_into_cache
from services.market.models import Bar, BarInterval, Chart, Closes, Match, Quote, Split
from services.market.provider import MAX_SYMBOLS_A_REQUEST, Provider
from services.market.replay import ReplayProvider

ROOT = Path(__file__).resolve().parents[2]
REPLAY_DATA = ROOT / "local" / "market"
RECORDED_YAHOO = ROOT.parent / "shared" / "yahoo" / "serve.py"
PAYLOADS = ROOT / "tests" / "market" / "payloads"
MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""A moment at which New York trades, for tests that need just any."""


def make_quote(symbol: str = "AAPL", price: float = 100.0, **fields: Any) -> Quote:
    """A quote read at MONDAY; `fields` replace any of its fields."""
    return Quote(
        **{
            "symbol": symbol,
            "name": f"{symbol} Inc.",
            "price": price,
            "previous_close": 100.0,
            "day_high": max(price, 101.0),
            "day_low": min(price, 99.0),
            "volume": 1_000,
            "currency": "USD",
            "exchange": "NASDAQ",
            "timezone": "America/New_York",
            "market_state": "open",
            "as_of": MONDAY,
            "fetched_at": MONDAY,
            "source": "fixed",
        }
        | fields
    )


def make_replay(
    start: date = date(2000, 6, 19), day_seconds: float = 60, origin: datetime = MONDAY
) -> ReplayProvider:
    """The shipped replay, begun at `origin`."""
    return ReplayProvider(
        REPLAY_DATA / "stocks.csv.gz", REPLAY_DATA / "splits.csv", origin, start, day_seconds
    )


@pytest.fixture
def replay() -> ReplayProvider:
    """AAPL, MSFT and IBM from 2000-06-19, a session a minute, begun at MONDAY."""
    return make_replay()


@dataclass
class FixedProvider:
    """A provider that says what the test wrote into it. `error`, if set, is raised instead.

    `asked` lists the calls: ("quotes", [...]), ("bars", symbol), ("splits", symbol), ...
    """

    name: str = "fixed"
    fresh_for: timedelta = timedelta(minutes=5)
    quotes_of: dict[str, Quote] = field(default_factory=dict)
    bars_of: dict[tuple[str, BarInterval], list[Bar]] = field(default_factory=dict)
    splits_of: dict[str, list[Split]] = field(default_factory=dict)
    closes_of: dict[str, list[tuple[date, float]]] = field(default_factory=dict)
    matches_of: dict[str, list[Match]] = field(default_factory=dict)
    earnings_of: dict[str, date] = field(default_factory=dict)
    error: MarketError | None = None
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def set(self, symbol: str, price: float, now: datetime = MONDAY, **fields: Any) -> Quote:
        """Let `symbol` trade at `price` at `now`; returns the quote."""
        times = {"as_of": now, "fetched_at": now, "source": self.name}
        quote = make_quote(symbol, price, **{**times, **fields})
        self.quotes_of[symbol] = quote
        return quote

    def market_time(self, now: datetime) -> datetime:
        return now

    def quotes(self, symbols: Sequence[str], now: datetime) -> dict[str, Quote]:
        for start in range(0, len(symbols), MAX_SYMBOLS_A_REQUEST):
            self._answer("quotes", list(symbols[start : start + MAX_SYMBOLS_A_REQUEST]))
        return {
            symbol: self.quotes_of[symbol].model_copy(update={"fetched_at": now})
            for symbol in symbols
            if symbol in self.quotes_of
        }

    def bars(
        self,
        symbol: str,
        interval: BarInterval,
        since: datetime,
        now: datetime,
        *,
        extended: bool = False,
    ) -> list[Bar]:
        self._answer("bars", symbol)
        span = timedelta(minutes=1) if interval == "1m" else timedelta(days=1)
        bars = self.bars_of.get((symbol, interval), [])
        return [bar for bar in bars if bar.start + span > since and bar.start <= now]

    def splits(self, symbol: str, since: datetime, now: datetime) -> list[Split]:
        self._answer("splits", symbol)
        return [s for s in self.splits_of.get(symbol, []) if since.date() < s.session <= now.date()]

    def chart(self, symbol: str, interval: BarInterval, since: datetime, now: datetime) -> Chart:
        """Bars and splits at once; `asked` holds ("chart", symbol) only."""
        held = len(self.asked)
        bars, splits = self.bars(symbol, interval, since, now), self.splits(symbol, since, now)
        self.asked[held:] = [("chart", symbol)]
        quote = self.quotes_of.get(symbol)
        return Chart(
            bars=tuple(bars),
            splits=tuple(splits),
            currency=quote.currency if quote else "",
            exchange=quote.exchange if quote else "",
        )

    def closes(self, symbols: Sequence[str], since: datetime, now: datetime) -> dict[str, Closes]:
        self._answer("closes", list(symbols))
        return {
            symbol: Closes(days=tuple(days), currency=self.quotes_of[symbol].currency)
            for symbol in symbols
            if (days := [one for one in self.closes_of.get(symbol, []) if one[0] > since.date()])
        }

    def earnings(self, symbol: str, now: datetime) -> date | None:
        self._answer("earnings", symbol)
        return self.earnings_of.get(symbol)

    def search(self, text: str, now: datetime) -> list[Match]:
        self._answer("search", text)
        return self.matches_of.get(text, [])

    def _answer(self, what: str, about: Any) -> None:
        self.asked.append((what, about))
        if self.error is not None:
            raise self.error


@dataclass
class RecordingJobs:
    """Jobs that are written down; market jobs run at once where `run_market` was called."""

    fetched: list[list[str]] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    dispatched: list[str] = field(default_factory=list)
    delivered: list[tuple[str, str]] = field(default_factory=list)
    account_mails: list[tuple[AccountMail, str]] = field(default_factory=list)
    bars_asked: list[tuple[str, BarInterval, int]] = field(default_factory=list)
    earnings_asked: list[str] = field(default_factory=list)
    sparks_asked: list[list[str]] = field(default_factory=list)
    hours_asked: list[list[str]] = field(default_factory=list)
    news_asked: list[tuple[str, str]] = field(default_factory=list)
    notices: list[tuple[Notice, str, tuple[str, ...]]] = field(default_factory=list)
    channel_notices: list[tuple[str, str, str]] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    trials: list[tuple[str, str, str]] = field(default_factory=list)
    shards: list[tuple[int, int]] = field(default_factory=list)
    _fetch: Callable[[Sequence[str]], object] | None = None
    _search: Callable[[str], object] | None = None
    _bars: Callable[[str, BarInterval, int], object] | None = None
    _earnings: Callable[[str], object] | None = None
    _sparks: Callable[[Sequence[str]], object] | None = None
    _hours: Callable[[Sequence[str]], object] | None = None

    def waiting(self, now: datetime) -> dict[str, Waiting]:
        return dict.fromkeys(("mail", "push", "hooks"), Waiting(0, timedelta()))

    def run_market(
        self,
        provider: Provider,
        cache: QuoteCache,
        clock: Callable[[], datetime],
        redis: Redis | None = None,
    ) -> None:
        """From now on fetch and search at once, as a very fast worker would; with `redis` bars,
        earnings, sparks and hours too."""
        if redis is not None:
            self._bars = lambda symbol, interval, years: bars_into_cache(
                provider, redis, symbol, interval, years, clock()
            )
            self._earnings = lambda symbol: earnings_into_cache(provider, redis, symbol, clock())
            self._sparks = lambda symbols: sparks_into_cache(provider, redis, symbols, clock())
            self._hours = lambda names: hours_into_cache(
                redis, names, provider.market_time(clock())
            )
        self._fetch = lambda symbols: fetch_into_cache(provider, cache, symbols, clock())
        self._search = lambda text: search_into_cache(provider, cache, text, clock())

    def fetch_quotes(self, symbols: Sequence[str]) -> None:
        self.fetched.append(list(symbols))
        if self._fetch:
            self._fetch(symbols)

    def search_symbols(self, text: str) -> None:
        self.searched.append(text)
        if self._search:
            self._search(text)

    def fetch_bars(self, symbol: str, interval: BarInterval, years: int = 4) -> None:
        self.bars_asked.append((symbol, interval, years))
        if self._bars:
            self._bars(symbol, interval, years)

    def fetch_earnings(self, symbol: str) -> None:
        self.earnings_asked.append(symbol)
        if self._earnings:
            self._earnings(symbol)

    def fetch_sparks(self, symbols: Sequence[str]) -> None:
        self.sparks_asked.append(list(symbols))
        if self._sparks:
            self._sparks(symbols)

    def fetch_hours(self, calendars: Sequence[str]) -> None:
        self.hours_asked.append(list(calendars))
        if self._hours:
            self._hours(calendars)

    def fetch_news(self, symbol: str, name: str) -> None:
        self.news_asked.append((symbol, name))

    def check_shard(self, number: int, of: int) -> None:
        self.shards.append((number, of))

    def dispatch(self, uids: Sequence[str]) -> None:
        self.dispatched += uids

    def deliver(self, uid: str, channel: str) -> None:
        self.delivered.append((uid, channel))

    def send_notice(self, kind: Notice, uid: str, alert_ids: Sequence[str]) -> None:
        self.notices.append((kind, uid, tuple(alert_ids)))

    def send_channel_notice(self, uid: str, channel: str, reason: str) -> None:
        self.channel_notices.append((uid, channel, reason))

    def send_digests(self, uids: Sequence[str]) -> None:
        self.digests += uids

    def send_account_mail(self, kind: AccountMail, uid: str) -> None:
        self.account_mails.append((kind, uid))

    def try_channel(self, uid: str, channel: str, trial: str) -> None:
        self.trials.append((uid, channel, trial))

    def erase_account(self, uid: str) -> None:
        self.erased.append(uid)

    def forget(self, uid: str) -> None:
        self.forgotten.append(uid)

    def release_held(self, uid: str) -> None:
        self.released.append(uid)


@pytest.fixture
def jobs() -> RecordingJobs:
    """Jobs that are only written down."""
    return RecordingJobs()


class _ToLoopback(HTTPAdapter):
    """Sends every request to one loopback port, whatever host it names."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        local = request.copy()
        local.url = f"http://127.0.0.1:{self._port}{request.path_url}"
        response = super().send(local, *args, **options)
        response.request, response.url = request, str(request.url)
        return response


def loopback_session(port: int) -> requests.Session:
    """A session that yfinance accepts and that reaches nothing but 127.0.0.1:`port`."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", _ToLoopback(port))
    session.mount("http://", _ToLoopback(port))
    return session


class RecordedYahoo:
    """The server of real, recorded answers."""

    def __init__(self, port: int) -> None:
        self.port = port

    def control(self, **order: Any) -> None:
        """status=429, delay=seconds, patch={"AAPL": {...}}: see the server's head."""
        body = json.dumps(order).encode()
        url = f"http://127.0.0.1:{self.port}/_control"
        urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=5).close()

    def log(self, path: str = "") -> list[str]:
        """The requests received so far whose path begins with `path`."""
        url = f"http://127.0.0.1:{self.port}/_log"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return [line for line in json.load(answer) if line.startswith(path)]


@pytest.fixture
def yahoo_server() -> Iterator[RecordedYahoo]:
    """Yahoo's recorded answers on loopback; skips where the recordings are not beside the code."""
    if not RECORDED_YAHOO.exists():
        pytest.skip(f"Yahoo's recorded answers are not at {RECORDED_YAHOO}")
    server = subprocess.Popen(
        [sys.executable, str(RECORDED_YAHOO), "0"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    yield RecordedYahoo(int(server.stdout.readline()))
    server.terminate()
    server.wait(10)
    server.stdout.close()


@pytest.fixture
def yahoo_session(yahoo_server: RecordedYahoo) -> requests.Session:
    """A session for yfinance that reaches `yahoo_server` only."""
    return loopback_session(yahoo_server.port)


class HandmadeYahoo:
    """A small Yahoo of hand-made payloads, whose faults a test can choose.

    `status`, `body` and `delay` apply to quotes, charts and searches, `crumb_status` and
    `crumb` to the handshake; `quotes` and `charts` may be changed; `log` holds all requests.
    """

    def __init__(self) -> None:
        self.quotes: dict[str, Any] = _payload("quotes.json")
        self.charts: dict[str, Any] = _payload("charts.json")
        self.searches: dict[str, Any] = _payload("searches.json")
        self.sparks: dict[str, list[float | None]] = {}
        self.status, self.crumb_status, self.delay = 200, 200, 0.0
        self.body: str | None = None
        self.crumb = "h4nd.m4de"
        self.fail_after: int | None = None
        self.log: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = int(self._server.server_address[1])
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def requests_of(self, path: str) -> list[str]:
        return [line for line in self.log if line.startswith(path)]

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, str]:
        if path == "/v1/test/getcrumb":
            return self.crumb_status, self.crumb
        if not path.startswith(("/v1/finance", "/v7/finance", "/v8/finance")):
            return 404, "not here"
        self._closing.wait(self.delay)
        if self.fail_after is not None and len(self.requests_of("/v7/")) > self.fail_after:
            return 429, "Too Many Requests\r\n"
        if self.status != 200 or self.body is not None:
            return self.status, self.body if self.body is not None else "unavailable"
        return self._data(path, query)

    def _data(self, path: str, query: dict[str, list[str]]) -> tuple[int, str]:
        if path == "/v7/finance/quote":
            if query.get("crumb") != [self.crumb] or self.crumb_status != 200:
                error = {"code": "Unauthorized", "description": "Invalid Crumb"}
                return 401, json.dumps({"finance": {"result": None, "error": error}})
            wanted = query["symbols"][0].split(",")
            found = [self.quotes[symbol] for symbol in wanted if symbol in self.quotes]
            return 200, json.dumps({"quoteResponse": {"result": found, "error": None}})
        if path == "/v7/finance/spark":
            return self._sparks(query["symbols"][0].split(","))
        if path.startswith("/v8/finance/chart/"):
            chart = self.charts.get(f"{path.rpartition('/')[2]} {query['interval'][0]}")
            error = None if chart else {"code": "Not Found", "description": "No data found"}
            result = [chart] if chart else None
            status = 200 if chart else 404
            return status, json.dumps({"chart": {"result": result, "error": error}})
        return 200, json.dumps(self.searches.get(query["q"][0], {"quotes": [], "count": 0}))

    def _sparks(self, symbols: list[str]) -> tuple[int, str]:
        """Closes of the last days up to MONDAY; all or nothing, and of twenty at most."""
        if len(symbols) > 20 or not set(symbols) <= self.sparks.keys():
            error = {"code": "Not Found", "description": "No data found for spark symbols"}
            return 404, json.dumps({"spark": {"result": None, "error": error}})
        meta = {"currency": "USD", "exchangeTimezoneName": "America/New_York"}
        result = [
            {
                "symbol": symbol,
                "response": [
                    {
                        "meta": {"symbol": symbol, **meta},
                        "timestamp": [
                            int((MONDAY - timedelta(days=len(closes) - n)).timestamp())
                            for n in range(len(closes))
                        ],
                        "indicators": {"quote": [{"close": closes}]},
                    }
                ],
            }
            for symbol in symbols
            for closes in [self.sparks[symbol]]
        ]
        return 200, json.dumps({"spark": {"result": result, "error": None}})


def _payload(name: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads((PAYLOADS / name).read_text())
    return payload


def _handler(yahoo: HandmadeYahoo) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            yahoo.log.append(self.path)
            status, text = yahoo.answer(unquote(url.path), parse_qs(url.query))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            cookie = "A3=d=hand; Max-Age=31557600; Domain=.yahoo.com; Path=/; Secure"
            self.send_header("Set-Cookie", cookie)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def handmade_yahoo() -> Iterator[HandmadeYahoo]:
    """A small Yahoo of our own payloads on loopback."""
    server = HandmadeYahoo()
    yield server
    server.close()
