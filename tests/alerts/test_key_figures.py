"""What a symbol's page says beside its price."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.alerts.key_figures import KeyFigures, key_figures
from services.market.models import Bar
from tests.support.market import make_quote

LAST = date(2026, 2, 27)


def bar(session: date, price: float, volume: int = 100) -> Bar:
    start = datetime(session.year, session.month, session.day, 5, tzinfo=UTC)
    return Bar(
        start=start,
        session=session,
        open=price,
        high=price + 1,
        low=price - 1,
        close=price,
        volume=volume,
    )


def past(count: int, price: float = 100.0) -> list[Bar]:
    return [bar(LAST - timedelta(days=ago), price) for ago in range(count)][::-1]


def test_a_year_of_bars_gives_all_figures() -> None:
    found = key_figures(make_quote(price=100.0), past(400), [])
    assert (found.high, found.low, found.whole_year) == (101, 99, True)
    assert (found.fast, found.slow, found.rsi) == (100, 100, 50)
    assert found.average_volume == 100
    assert found.from_high == pytest.approx(-100 / 101)


def test_what_was_more_than_52_weeks_ago_does_not_count() -> None:
    bars = [bar(LAST - timedelta(days=366), 500.0), *past(300)]
    assert key_figures(make_quote(), bars, []).high == 101


def test_a_new_high_today_counts_and_is_nothing_below_it() -> None:
    found = key_figures(make_quote(price=150.0, day_high=151.0), past(400), [])
    assert found.high == 151
    assert found.from_high == pytest.approx(-100 / 151)
    at_top = key_figures(make_quote(price=150.0, day_high=150.0), past(400), [])
    assert at_top.from_high == 0


def test_three_bars_tell_their_range_and_nothing_more() -> None:
    found = key_figures(make_quote(), past(3), [])
    assert (found.high, found.low, found.whole_year) == (101, 99, False)
    assert (found.fast, found.slow, found.rsi, found.average_volume) == (None,) * 4


@pytest.mark.parametrize("daily", [None, []])
def test_without_days_there_are_no_figures(daily: list[Bar] | None) -> None:
    assert key_figures(make_quote(), daily, None) == KeyFigures()


def test_the_open_is_that_of_the_running_session_only() -> None:
    quote = make_quote()
    assert key_figures(quote, [], [bar(LAST, 90), bar(quote.session, 95)]).open == 95
    assert key_figures(quote, [], [bar(LAST, 90)]).open is None


def test_a_price_below_zero_is_no_share_of_its_high() -> None:
    found = key_figures(make_quote(price=-5.0, previous_close=None), past(400), [])
    assert found.from_high is None
    assert found.low == -5.0


def test_tiny_prices_keep_their_figures() -> None:
    bars = [bar(LAST - timedelta(days=ago), 0.00000123) for ago in range(300)][::-1]
    bars = [one.model_copy(update={"high": 1.3e-6, "low": 1.2e-6}) for one in bars]
    quote = make_quote(price=0.00000123, day_high=0.00000124, day_low=0.00000122)
    assert key_figures(quote, bars, []).fast == pytest.approx(0.00000123)
