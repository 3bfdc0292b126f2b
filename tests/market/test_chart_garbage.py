"""Whatever Yahoo sends for a chart: a history or a MarketError, and nothing wrong is kept."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from services.errors import MarketError, SourceUnavailable
from services.market.backoff import Backoff
from services.market.bars import MOST_BARS, BarCache
from services.market.histories import Histories
from services.market.yahoo import YahooProvider
from tests.support.market import HandmadeYahoo, loopback_session

NOW = datetime(2026, 3, 2, 15, 16, tzinfo=UTC)
TODAY = NOW.date()
OPEN = int(datetime(2026, 2, 27, 14, 30, tzinfo=UTC).timestamp())
DAY = 86_400


@pytest.fixture
def histories(redis: Redis, handmade_yahoo: HandmadeYahoo) -> Histories:
    return Histories(YahooProvider(Backoff(redis), loopback_session(handmade_yahoo.port)), redis)


def chart(times: list[Any], closes: list[Any], **meta: Any) -> dict[str, Any]:
    prices = dict.fromkeys(("open", "high", "low", "close"), closes)
    head = {"symbol": "AAPL", "currency": "USD", "exchangeTimezoneName": "America/New_York"}
    series = [prices | {"volume": [1] * len(closes)}]
    return {"meta": head | meta, "timestamp": times, "indicators": {"quote": series}}


def closes(histories: Histories) -> list[float]:
    return [bar.close for bar in histories.daily("AAPL", TODAY, NOW)]


@pytest.mark.parametrize(
    ("times", "prices", "expected"),
    [
        ([OPEN - DAY, OPEN], [1.0, None], [1.0]),
        ([OPEN - DAY, OPEN], [float("nan"), 2.0], [2.0]),
        ([OPEN - DAY, OPEN], [float("inf"), 1e300], []),
        ([OPEN - DAY, OPEN], ["1", True], []),
        ([OPEN, OPEN - DAY], [2.0, 1.0], [1.0, 2.0]),
        ([OPEN, OPEN + 60], [2.0, 3.0], [3.0]),
        ([OPEN, None, "x", -5, 1e99], [2.0] * 5, [2.0]),
        ([OPEN, OPEN + DAY, OPEN + 3 * DAY, OPEN + 900 * DAY], [2.0] * 4, [2.0, 2.0]),
        ([OPEN, OPEN + DAY], [2.0], [2.0]),
        ([], [], []),
    ],
)
def test_bars_of_no_use_are_left_out(
    histories: Histories,
    handmade_yahoo: HandmadeYahoo,
    times: list[Any],
    prices: list[Any],
    expected: list[float],
) -> None:
    handmade_yahoo.charts["AAPL 1d"] = chart(times, prices)
    assert closes(histories) == expected


def test_a_symbol_that_now_has_another_name_has_no_past(
    histories: Histories, handmade_yahoo: HandmadeYahoo
) -> None:
    handmade_yahoo.charts["AAPL 1d"] = chart([OPEN], [1.0], symbol="APPL")
    assert closes(histories) == []


@pytest.mark.slow
def test_a_huge_answer_is_cut_to_the_newest(
    histories: Histories, handmade_yahoo: HandmadeYahoo, redis: Redis
) -> None:
    minutes = [OPEN - 60 * n for n in range(25_000)]
    handmade_yahoo.charts["AAPL 1m"] = chart(minutes, [1.0] * len(minutes))
    bars = histories.minutes("AAPL", NOW - timedelta(days=7), NOW)
    assert 0 < len(bars) <= MOST_BARS["1m"]
    assert bars[-1].start.timestamp() == OPEN
    assert redis.strlen("bars:AAPL:1m") < 50_000


@pytest.mark.parametrize(
    "body",
    ["", "null", "[]", "{}", '{"chart": 1}', '{"chart": {"result": [[]]}}', "Too Many Requests",
     "<html>", "[" * 50_000, '{"chart": {"result": [{"meta": 5, "timestamp": 5}]}}',
     json.dumps({"chart": {"result": [{"indicators": {"quote": [{"open": math.nan}]}}]}})],
)  # fmt: skip
def test_another_form_is_a_market_error_or_nothing_and_the_next_answer_counts(
    histories: Histories, handmade_yahoo: HandmadeYahoo, redis: Redis, body: str
) -> None:
    handmade_yahoo.body = body
    try:
        assert closes(histories) == []
    except MarketError:
        assert BarCache(redis).get("AAPL", "1d") is None
    handmade_yahoo.body = None
    handmade_yahoo.charts["AAPL 1d"] = chart([OPEN], [7.0])
    later = NOW + timedelta(minutes=20)
    assert [bar.close for bar in histories.daily("AAPL", TODAY, later)] == [7.0]


def test_a_server_error_is_told_as_unavailable(
    histories: Histories, handmade_yahoo: HandmadeYahoo
) -> None:
    handmade_yahoo.status = 500
    with pytest.raises(SourceUnavailable):
        closes(histories)
