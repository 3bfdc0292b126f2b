"""Recorded Yahoo answers, through the real yfinance, cache, check, store and SMTP."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from redis import Redis

from config import Settings
from services.market.backoff import Backoff
from services.market.yahoo import YahooProvider
from services.store.contract import Store
from tests.support.bell import Bell, make_bell
from tests.support.market import RecordedYahoo
from tests.support.smtp import SmtpPeer, text_of

pytestmark = pytest.mark.slow

RECORDED_AT = datetime(2025, 2, 17, 10, 55, tzinfo=UTC)
NOTHING = {"regularMarketTime": int(RECORDED_AT.timestamp())}


@pytest.fixture
def live(
    store: Store,
    redis: Redis,
    smtp: SmtpPeer,
    yahoo_server: RecordedYahoo,
    yahoo_session: requests.Session,
    tmp_path: Path,
) -> Bell:
    """A bell whose market is the recorded Yahoo of 17 February 2025."""
    provider = YahooProvider(Backoff(redis, draw=lambda low, high: low), yahoo_session, tmp_path)
    settings = Settings(_env_file=None, smtp_url=smtp.url, public_url="https://bell.example")
    bell = make_bell(store, redis, provider, settings, at=RECORDED_AT)
    for symbol in ("AAPL", "BTC-USD", "OCDO.L"):
        yahoo_server.control(patch={symbol: NOTHING})
    return bell


def trade(yahoo: RecordedYahoo, bell: Bell, symbol: str, price: float) -> None:
    """Let a recorded symbol trade at another price, now."""
    patch = {"regularMarketPrice": price, "regularMarketTime": int(bell.at.timestamp())}
    yahoo.control(patch={symbol: patch})


def test_a_real_price_that_reaches_its_level_becomes_a_mail(
    live: Bell, yahoo_server: RecordedYahoo, smtp: SmtpPeer
) -> None:
    apple = live.alert("price_rises_to", 250, "AAPL", note="sell half")
    live.alert("price_falls_to", 300, "OCDO.L")
    live.alert("price_falls_to", 90_000, "BTC-USD")
    live.check()
    assert live.triggers() == []

    live.later(5)
    trade(yahoo_server, live, "AAPL", 250.0)
    trade(yahoo_server, live, "OCDO.L", 299.5)
    trade(yahoo_server, live, "BTC-USD", 96_000)
    assert live.check().recorded == 2
    live.deliver()

    (mail,) = smtp.accepted
    assert mail["Subject"] == "2 alerts rang: AAPL, OCDO.L · Bellwether"
    for fact in ("AAPL rose to 250.00", "sell half", "OCDO.L fell to 300.00", "299.50", "GBp"):
        assert fact in text_of(mail)
    assert live.now_of(apple).state == "triggered"


def test_all_symbols_of_a_check_come_in_one_request(
    live: Bell, yahoo_server: RecordedYahoo
) -> None:
    for symbol in ("AAPL", "BTC-USD", "OCDO.L"):
        live.alert("price_rises_to", 1e9, symbol)
    before = len(yahoo_server.log("/v7/finance/quote"))
    live.check()
    assert len(yahoo_server.log("/v7/finance/quote")) == before + 1


def test_a_429_in_the_middle_rings_nothing_and_loses_nothing(
    live: Bell, yahoo_server: RecordedYahoo
) -> None:
    live.alert("price_rises_to", 250, "AAPL")
    live.check()
    yahoo_server.control(status=429)
    first = live.later(5)
    assert set(live.check().unchecked) == {"AAPL"}
    status = live.parts.cache.status()
    assert status.delayed_since == first
    asked = len(yahoo_server.log())
    assert set(live.check().unchecked) == {"AAPL"}
    assert len(yahoo_server.log()) == asked, "backing off: no request while Yahoo is limited"

    yahoo_server.control(status=200)
    live.later(60)
    trade(yahoo_server, live, "AAPL", 251.0)
    assert live.check().recorded == 1
    assert live.parts.cache.status().delayed_since is None


def test_a_listing_that_dies_rings_nothing_and_is_told(
    live: Bell, yahoo_server: RecordedYahoo
) -> None:
    alert = live.alert("price_falls_to", 200, "AAPL")
    live.check()
    live.later(5)
    yahoo_server.control(patch={"AAPL": {"regularMarketPrice": None, **NOTHING}})
    assert live.check().unchecked == {"AAPL": "no price"}
    assert live.triggers() == []
    assert live.now_of(alert).state == "armed"


def test_a_dead_listing_cannot_be_watched(live: Bell) -> None:
    assert live.provider.quotes(["ADH", "BRKS", "AAPL"], live.at).keys() == {"AAPL"}


def test_a_feed_that_flips_from_pence_to_pounds_rings_nothing(
    live: Bell, yahoo_server: RecordedYahoo
) -> None:
    live.alert("price_falls_to", 200, "OCDO.L")
    live.check()
    live.later(5)
    trade(yahoo_server, live, "OCDO.L", 3.09)
    yahoo_server.control(patch={"OCDO.L": {"currency": "GBP"}})
    assert live.check().unchecked == {"OCDO.L": "currency changed"}
    assert live.triggers() == []
    assert timedelta(0) == live.at - live.services.readings.unchecked(["OCDO.L"])["OCDO.L"].since
