"""When an alert would have rung, over the API."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from services.errors import SourceUnavailable
from services.market.cache import QuoteCache
from services.market.models import Bar
from tests.support.market import MONDAY
from tests.support.web import Person, Site

ABOVE = {"kind": "price_rises_to", "level": 105}


def bar(days_ago: int, price: float) -> Bar:
    start = MONDAY.replace(hour=5) - timedelta(days=days_ago)
    return Bar(
        start=start,
        session=start.date(),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=100,
    )


@pytest.fixture
def past(site: Site, redis: Redis) -> Site:
    """AAPL rose to 105 on 20 and 26 February 2026, and on 20 February 2023; it trades at 100."""
    site.jobs.run_market(site.market, QuoteCache(redis), lambda: site.at, redis)
    rises = {10: 106.0, 4: 105.0, 10 + 3 * 365: 107.0}
    numbers = [*range(1_400, 1_000, -1), *range(40, 0, -1)]
    site.market.bars_of["AAPL", "1d"] = [bar(n, rises.get(n, 100.0)) for n in numbers]
    return site


def ask(person: Person, **body: object) -> dict:
    answer = person.post("/alerts/preview", {"symbol": "AAPL", "condition": ABOVE, **body})
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_preview_says_when_it_would_have_rung(past: Site, person: Person):
    assert ask(person) == {
        "symbol": "AAPL",
        "condition": {**ABOVE, "level": 105.0, "extended": False},
        "frequency": "every",
        "sentence": "AAPL price rises to 105, every time",
        "currency": "USD",
        "times": ["2026-02-20T05:00:00Z", "2026-02-26T05:00:00Z"],
        "sessions": ["2026-02-20", "2026-02-26"],
        "values": [106.0, 105.0],
        "prices": [106.0, 105.0],
        "count": 2,
        "from": "2023-03-02T05:00:00Z",
        "until": "2026-03-01T05:00:00Z",
        "notes": [],
        "source": "fixed",
    }


def test_words_are_understood_as_well(past: Site, person: Person):
    answer = person.post("/alerts/preview", {"text": "aapl above 105 once a day", "years": 10})
    assert answer.status_code == 200
    assert answer.json["count"] == 3
    assert answer.json["sentence"] == "AAPL price rises to 105, once a day"


def test_words_that_are_not_understood_point_at_the_word(past: Site, person: Person):
    answer = person.post("/alerts/preview", {"text": "aapl abve 105"})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "text"


def test_more_years_look_further_back(past: Site, person: Person):
    assert ask(person, years=10)["count"] == 3
    assert ask(person, years=1)["count"] == 2
    assert [years for *_, years in past.jobs.bars_asked] == [10]


def test_minutes_are_looked_at_where_asked_for(past: Site, person: Person):
    start = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    past.market.bars_of["AAPL", "1m"] = [
        bar(0, price).model_copy(update={"start": start + n * timedelta(minutes=1)})
        for n, price in enumerate([100.0, 105.0, 104.0])
    ]
    found = ask(person, minutes=True)
    assert found["times"] == ["2026-03-02T14:31:00Z"]
    assert found["until"] == "2026-03-02T14:32:00Z"


def test_what_the_bars_cannot_tell_is_said(past: Site, person: Person):
    found = ask(person, condition={"kind": "moves_by", "percent": 5, "window": "1h"})
    assert found["count"] == 0
    assert found["notes"][0].startswith("A window of 1 hour needs 1-minute bars")


def test_a_symbol_without_a_past_is_said_too(past: Site, person: Person):
    found = ask(person, symbol="MSFT")
    assert (found["count"], found["from"]) == (0, None)
    assert found["notes"] == ["There are no prices of that time."]


def test_the_most_recent_thousand_are_shown_and_all_counted(
    past: Site, person: Person, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("web.api.preview.MOST_RINGS", 1)
    found = ask(person)
    assert (found["times"], found["count"]) == (["2026-02-26T05:00:00Z"], 2)


def test_bars_that_do_not_come_in_time_are_a_503(site: Site, person: Person, redis: Redis):
    site.jobs.run_market(site.market, QuoteCache(redis), lambda: site.at)
    site.services.desk._past._monotonic = iter(range(0, 1_000, 2)).__next__
    answer = person.post("/alerts/preview", {"symbol": "AAPL", "condition": ABOVE})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert site.jobs.bars_asked == [("AAPL", "1d", 4)]


def test_a_source_that_fails_is_a_503(past: Site, person: Person):
    past.market.error = SourceUnavailable("away")
    answer = person.post("/alerts/preview", {"symbol": "GOOG", "condition": ABOVE})
    assert answer.status_code == 503


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"symbol": "AAPL"},
        {"condition": ABOVE},
        {"text": "aapl above 105", "symbol": "AAPL"},
        {"symbol": "AAPL", "condition": ABOVE, "years": 0},
        {"symbol": "AAPL", "condition": ABOVE, "years": 11},
        {"symbol": "AAPL", "condition": ABOVE, "years": 1.5},
        {"symbol": "AAPL", "condition": ABOVE, "minutes": "yes"},
        {"symbol": "AAPL", "condition": {"kind": "price_rises_to", "level": "a"}},
        {"text": ""},
    ],
)
def test_what_cannot_be_looked_at_is_refused(past: Site, person: Person, body: dict):
    assert person.post("/alerts/preview", body).status_code == 422


def test_an_unknown_symbol_is_refused_with_suggestions(past: Site, person: Person):
    answer = person.post("/alerts/preview", {"symbol": "apple", "condition": ABOVE})
    assert answer.status_code == 422
    assert answer.json["suggestions"] == [{"symbol": "AAPL", "name": "Apple Inc."}]


def test_nobody_may_look_without_end(past: Site, person: Person, stranger: Person):
    body = {"symbol": "AAPL", "condition": ABOVE}
    statuses = [person.post("/alerts/preview", body).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]
    assert stranger.post("/alerts/preview", body).status_code == 200
