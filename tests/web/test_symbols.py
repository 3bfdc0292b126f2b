"""The page of a symbol."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from services.alerts.conditions import PriceCondition
from services.errors import SourceUnavailable
from services.market.cache import QuoteCache
from services.market.models import Bar, Split
from services.market.news import NewsItem, news_into_cache
from services.store.contract import Create
from services.store.triggers import Trigger, trigger_path
from services.store.watchlists import Entry
from tests.support.market import MONDAY
from tests.support.web import Site
from tests.web.conftest import Reader, have_no_patience, words


def day(days_ago: int, price: float) -> Bar:
    start = MONDAY.replace(hour=5) - timedelta(days=days_ago)
    return Bar(
        start=start,
        session=start.date(),
        open=price,
        high=price + 1,
        low=price - 1,
        close=price,
        volume=100_000,
    )


@pytest.fixture
def past(site: Site, redis: Redis) -> Site:
    """AAPL has closed at 90 for 400 days and opened at 98 today."""
    site.jobs.run_market(site.market, QuoteCache(redis), lambda: site.at, redis)
    site.market.bars_of["AAPL", "1d"] = [day(ago, 90.0) for ago in range(400, 0, -1)]
    opened = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    minute = day(0, 98.0).model_copy(update={"start": opened})
    site.market.bars_of["AAPL", "1m"] = [minute]
    return site


def ring(reader: Reader, **fields: Any) -> Trigger:
    """A trigger of this reader on AAPL."""
    occurred = fields.pop("occurred_at", MONDAY - timedelta(days=20))
    trigger = Trigger(
        **{
            "uid": reader.uid,
            "id": "01TRIGGER-1",
            "alert_id": "01TRIGGER",
            "epoch": 1,
            "symbol": "AAPL",
            "condition": PriceCondition(kind="price_rises_to", level=95.0),
            "note": "",
            "value": 96.0,
            "price": 95.5,
            "low": 94.0,
            "high": 96.0,
            "currency": "USD",
            "occurred_at": occurred,
            "noticed_at": occurred + timedelta(minutes=1),
            "source": reader.site.market.name,
            "open": False,
            "due_at": None,
        }
        | fields
    )
    store = reader.site.services.store
    store.write(Create(trigger_path(reader.uid, trigger.id), trigger.fields()))
    return trigger


def chart_data(text: str, name: str) -> Any:
    found = re.search(rf"data-{name}='([^']*)'", text)
    assert found
    return json.loads(unescape(found[1]))


def fact(answer: TestResponse, label: str) -> str:
    """What a page's list of figures says under that label, without its hint."""
    found = re.search(rf"<dt>{label}\b.*?</dt><dd>(.*?)</dd>", answer.text, re.DOTALL)
    assert found, label
    return " ".join(re.sub(r"<[^>]+>", "", unescape(found[1])).split())


def test_the_page_tells_price_figures_and_range(past: Site, ada: Reader) -> None:
    answer = ada.get("/symbols/AAPL")
    assert "AAPL AAPL Inc." in words(answer)
    assert "100.00 USD" in words(answer)
    assert "1 year: from 90.00" in words(answer)
    assert fact(answer, "Previous close") == "100.00"
    assert fact(answer, "Open") == "98.00"
    assert fact(answer, "52-week range") == "89.00 – 101.00"
    assert fact(answer, "200-day average") == "90.00 price 11.11 % above"
    assert fact(answer, "Average volume") == "100 K"


def test_figures_that_are_not_known_yet_are_dashes(site: Site, ada: Reader) -> None:
    answer = ada.get("/symbols/MSFT")
    assert fact(answer, "Next earnings") == "not known"
    assert fact(answer, "Open") == "–"


@pytest.mark.parametrize("symbol", ["^GSPC", "BRK-B", "EURUSD=X", "7203.T", "CL=F"])
def test_symbols_of_all_spellings_have_a_page(past: Site, ada: Reader, symbol: str) -> None:
    assert symbol in ada.page(f"/symbols/{symbol}")


@pytest.mark.parametrize(
    ("typed", "there"), [("aapl", "AAPL"), ("brk.b", "BRK-B"), ("%5egspc", "%5EGSPC")]
)
def test_other_spellings_lead_to_the_symbol(
    past: Site, ada: Reader, typed: str, there: str
) -> None:
    answer = ada.get(f"/symbols/{typed}?range=5d")
    assert answer.status_code == 302
    assert answer.location == f"/symbols/{there}?range=5d"


def test_an_unknown_symbol_is_a_404_with_suggestions(past: Site, ada: Reader) -> None:
    answer = ada.get("/symbols/APPLE")
    assert answer.status_code == 404
    assert 'href="/symbols/AAPL"' in answer.text
    assert "Apple Inc." in answer.text


@pytest.mark.parametrize("text", ["<b>x</b>", "%00", "a" * 300, "%F0%9F%90%91", "' or 1"])
def test_what_is_no_symbol_is_a_404(past: Site, ada: Reader, text: str) -> None:
    answer = ada.get(f"/symbols/{text}")
    assert answer.status_code == 404
    assert "<b>x</b>" not in answer.text


def test_an_unknown_range_is_a_404(past: Site, ada: Reader) -> None:
    assert ada.get("/symbols/AAPL?range=2y").status_code == 404


@pytest.mark.parametrize("name", ["1d", "5d", "1mo", "6mo", "1y", "5y", "10y"])
def test_each_range_is_a_link_and_works_without_scripts(past: Site, ada: Reader, name: str) -> None:
    answer = ada.get(f"/symbols/AAPL?range={name}")
    assert answer.status_code == 200
    assert f'data-range="{name}" aria-current="page"' in answer.text
    assert ("<polyline" in answer.text) == (name not in ("1d", "5d"))  # one minute is no line


def test_people_who_are_not_signed_in_are_sent_to_sign_in(site: Site, anybody: Reader) -> None:
    answer = anybody.get("/symbols/AAPL")
    assert answer.status_code == 302
    assert "/sign-in" in answer.location


def test_a_source_that_does_not_answer_leaves_a_page_that_asks_again(
    site: Site, ada: Reader
) -> None:
    site.market.error = SourceUnavailable("down")
    answer = ada.get("/symbols/NEW")
    assert answer.status_code == 200
    assert "Fetching its price" in words(answer)
    assert 'http-equiv="refresh"' in answer.text


def test_bars_that_no_worker_has_fetched_yet_are_a_state_of_the_chart(
    site: Site, ada: Reader
) -> None:
    ada.page("/symbols/AAPL")
    have_no_patience(site)
    site.jobs._bars = None
    page = ada.page("/symbols/AAPL")
    assert "The past prices are being fetched" in page
    assert "Fetching …" in page


def test_alerts_on_the_symbol_are_told_and_drawn(past: Site, ada: Reader) -> None:
    mine = ada.alert(level=150.0)
    ada.alert(level=170.0, symbol="MSFT")
    answer = ada.get("/symbols/AAPL")
    assert "rises to 150.00 USD" in words(answer)
    assert "170" not in words(answer)
    (level,) = chart_data(answer.text, "levels")
    assert (level["id"], level["price"], level["state"]) == (mine.id, 150.0, "armed")


def test_what_rang_is_told_with_its_evidence_and_marked(past: Site, ada: Reader) -> None:
    ring(ada)
    answer = ada.get("/symbols/AAPL")
    assert "rose to 95.00 USD" in words(answer)
    (marker,) = chart_data(answer.text, "markers")
    assert marker["price"] == 95.5
    assert marker["time"].startswith("2026-02-10")
    assert "rose to 95.00 USD" in marker["text"]


def test_evidence_before_a_split_is_drawn_in_shares_of_today(past: Site, ada: Reader) -> None:
    session = (MONDAY - timedelta(days=10)).date()
    past.market.splits_of["AAPL"] = [Split(symbol="AAPL", session=session, ratio=4.0)]
    ring(ada)
    answer = ada.get("/symbols/AAPL")
    (marker,) = chart_data(answer.text, "markers")
    assert marker["price"] == 95.5 / 4
    assert "95.50 USD" in words(answer)
    assert "4:1 split" in words(answer)
    assert "4:1 split" in marker["text"]


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "another"},
        {"currency": "GBp"},
        {"occurred_at": MONDAY + timedelta(days=30)},
    ],
)
def test_rings_of_another_market_are_told_but_not_drawn(
    past: Site, ada: Reader, fields: dict[str, Any]
) -> None:
    ring(ada, **fields)
    answer = ada.get("/symbols/AAPL")
    assert "What rang" in words(answer)
    assert chart_data(answer.text, "markers") == []


def test_nobody_sees_another_person_s_alerts(past: Site, ada: Reader, bob: Reader) -> None:
    ada.alert(level=150.0)
    ring(ada)
    answer = bob.get("/symbols/AAPL")
    assert chart_data(answer.text, "levels") == chart_data(answer.text, "markers") == []


def test_a_typed_level_leads_to_the_editor_with_the_way_to_it(past: Site, ada: Reader) -> None:
    up = ada.get("/symbols/AAPL/alert?level=120")
    assert up.location == "/alerts/new?symbol=AAPL&kind=price_rises_to&level=120"
    down = ada.get("/symbols/AAPL/alert?level=80.5")
    assert down.location == "/alerts/new?symbol=AAPL&kind=price_falls_to&level=80.5"


@pytest.mark.parametrize("level", ["", "much", "1,5", "<b>", "nan", "1e9"])
def test_what_is_no_level_is_given_back(past: Site, ada: Reader, level: str) -> None:
    answer = ada.get("/symbols/AAPL/alert", query_string={"level": level})
    assert answer.status_code == 422
    assert 'id="fault-level"' in answer.text
    assert "<b>" not in answer.text.replace("<bdi", "")


def test_the_symbol_is_put_on_a_list_and_taken_off(past: Site, ada: Reader) -> None:
    ada.page("/")
    (first,) = past.services.watchlists.of(ada.uid)
    answer = ada.send("/symbols/AAPL/lists", list=first.id, do="add")
    assert answer.location == "/symbols/AAPL"
    assert past.services.watchlists.of(ada.uid)[0].symbols == ("AAPL",)
    ada.send("/symbols/AAPL/lists", list=first.id, do="add")
    assert "Remove" in ada.page("/symbols/AAPL")
    ada.send("/symbols/AAPL/lists", list=first.id, do="remove")
    ada.send("/symbols/AAPL/lists", list=first.id, do="remove")
    assert past.services.watchlists.of(ada.uid)[0].symbols == ()


def test_a_list_that_is_gone_or_full_is_told(past: Site, ada: Reader) -> None:
    ada.page("/")
    ada.send("/symbols/AAPL/lists", list="nowhere", do="add")
    assert "That list is gone." in ada.page("/symbols/AAPL")
    (first,) = past.services.watchlists.of(ada.uid)
    entries = tuple(Entry(symbol=f"S{n}", added_at=MONDAY) for n in range(50))
    past.services.watchlists.change(ada.uid, first.id, lambda held: held.replace(entries=entries))
    ada.send("/symbols/AAPL/lists", list=first.id, do="add")
    assert "50 symbols at most" in ada.page("/symbols/AAPL")


def test_news_are_escaped_and_lead_out_without_a_referrer(
    past: Site, ada: Reader, redis: Redis
) -> None:
    class Source:
        def news(self, symbol: str, name: str, now: datetime) -> list[NewsItem]:
            return [
                NewsItem(
                    title="<script>alert(1)</script> \u05d0\u05e4\u05dc",
                    link='https://news.example/?a=1&b="x',
                    source="<i>Times</i>",
                    published_at=now - timedelta(hours=3),
                )
            ]

    news_into_cache(Source(), redis, "AAPL", "AAPL Inc.", past.at)
    answer = ada.get("/symbols/AAPL")
    assert "<script>alert" not in answer.text
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert 'rel="noopener noreferrer nofollow"' in answer.text
    assert "<i>Times</i> · 3 h ago" in words(answer)


def test_news_that_nobody_has_fetched_are_asked_for_once(past: Site, ada: Reader) -> None:
    assert "News is being looked for" in ada.page("/symbols/AAPL")
    ada.page("/symbols/AAPL")
    assert past.jobs.news_asked == [("AAPL", "AAPL Inc.")]


def test_names_with_markup_or_from_right_to_left_are_text(past: Site, ada: Reader) -> None:
    past.market.set("AAPL", 100.0, past.at, name='<img src=x> \u05d0\u05e4\u05dc\' "q"')
    answer = ada.get("/symbols/AAPL")
    assert "<img" not in answer.text
    assert '<bdi class="symbol-name">&lt;img src=x&gt;' in answer.text


@pytest.mark.parametrize(
    ("price", "shown"), [(0.00000123, "0.00000123 USD"), (715_930.0, "715,930.00 USD")]
)
def test_tiny_and_large_prices_are_shown_whole(
    past: Site, ada: Reader, price: float, shown: str
) -> None:
    past.market.set("SHIB-USD", price, past.at)
    assert shown in ada.page("/symbols/SHIB-USD")


def test_a_price_outside_regular_hours_stands_beside_the_close(past: Site, ada: Reader) -> None:
    past.market.set(
        "AAPL",
        100.0,
        past.at,
        market_state="post",
        extended_price=103.0,
        extended_at=past.at + timedelta(hours=1),
    )
    assert "After hours 103.00 USD ▲+3.00" in ada.page("/symbols/AAPL")


def test_few_bars_make_a_chart_and_say_that_they_are_few(past: Site, ada: Reader) -> None:
    past.market.bars_of["MSFT", "1d"] = [day(ago, 90.0) for ago in (3, 2, 1)]
    answer = ada.get("/symbols/MSFT")
    assert "<polyline" in answer.text
    assert fact(answer, "Range so far") == "89.00 – 101.00"
    assert fact(answer, "50-day average") == "–"


def test_the_earnings_date_is_told(past: Site, ada: Reader) -> None:
    past.market.earnings_of["AAPL"] = (MONDAY + timedelta(days=40)).date()
    assert "11 April 2026" in ada.page("/symbols/AAPL")


def test_the_chart_s_maker_is_named(past: Site, ada: Reader) -> None:
    answer = ada.get("/symbols/AAPL")
    assert 'href="https://www.tradingview.com/"' in answer.text
    assert "TradingView Lightweight Charts™" in words(answer)
