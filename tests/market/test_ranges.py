"""From the bars at hand to those of a chart."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.market.models import Bar
from services.market.ranges import SPANS, Course, of_days, of_minutes, running_day
from tests.support.market import MONDAY, make_quote


def day_bar(session: date, price: float, volume: int = 10) -> Bar:
    start = datetime(session.year, session.month, session.day, 5, tzinfo=UTC)
    return Bar(
        start=start,
        session=session,
        open=price - 1,
        high=price + 2,
        low=price - 2,
        close=price,
        volume=volume,
    )


def minute_bars(session: date, count: int, opened: float = 100.0) -> list[Bar]:
    start = datetime(session.year, session.month, session.day, 14, 30, tzinfo=UTC)
    return [
        Bar(
            start=start + timedelta(minutes=at),
            session=session,
            open=opened + at,
            high=opened + at + 1,
            low=opened + at - 1,
            close=opened + at,
            volume=1,
        )
        for at in range(count)
    ]


def weekdays(count: int, last: date) -> list[date]:
    found: list[date] = []
    day = last
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day -= timedelta(days=1)
    return found[::-1]


def averages(course: Course) -> dict[int, tuple[float | None, ...]]:
    return {average.days: average.values for average in course.averages}


def test_five_minutes_make_one_bar() -> None:
    course = of_minutes(SPANS["1d"], minute_bars(date(2026, 3, 2), 7))
    assert course.interval == "5m"
    first, second = course.bars
    assert (first.open, first.high, first.low, first.close, first.volume) == (100, 105, 99, 104, 5)
    assert (second.open, second.close, second.volume) == (105, 106, 2)


def test_one_day_is_the_last_session_and_five_days_are_five() -> None:
    days = weekdays(6, date(2026, 3, 2))
    minutes = [bar for day in days for bar in minute_bars(day, 3)]
    assert {bar.session for bar in of_minutes(SPANS["1d"], minutes).bars} == {days[-1]}
    assert {bar.session for bar in of_minutes(SPANS["5d"], minutes).bars} == set(days[1:])


def test_a_day_of_what_never_rests_is_the_last_24_hours() -> None:
    start = datetime(2026, 2, 28, tzinfo=UTC)
    minutes = [
        bar.model_copy(update={"start": start + timedelta(hours=at), "session": day})
        for at in range(50)
        for day in [(start + timedelta(hours=at)).date()]
        for bar in minute_bars(day, 1)
    ]
    shown = of_minutes(SPANS["1d"], minutes).bars
    assert len(shown) == 24
    assert shown[0].start == datetime(2026, 3, 1, 2, tzinfo=UTC)


def test_no_minutes_make_no_bars() -> None:
    assert of_minutes(SPANS["5d"], []).bars == ()


def test_the_running_day_ends_a_range_of_days() -> None:
    past = [day_bar(day, 100) for day in weekdays(300, date(2026, 2, 27))]
    running = running_day(make_quote(price=120, day_high=125, day_low=None))
    course = of_days(SPANS["1mo"], past, running)
    assert course.bars[-1] == running
    assert course.bars[0].session > date(2026, 1, 30)
    sessions = [bar.session for bar in course.bars]
    assert sessions == sorted(set(sessions))


def test_averages_are_of_closes_before_the_range_too() -> None:
    past = [day_bar(day, 100) for day in weekdays(250, date(2026, 2, 27))]
    course = of_days(SPANS["1mo"], past, running_day(make_quote(price=150)))
    found = averages(course)
    assert found[50][0] == 100
    assert found[50][-1] == pytest.approx(101)
    assert found[200][-1] == pytest.approx(100.25)


def test_three_bars_have_no_averages() -> None:
    past = [day_bar(day, 100) for day in weekdays(2, date(2026, 2, 27))]
    found = averages(of_days(SPANS["1y"], past, running_day(make_quote())))
    assert found == {50: (None, None, None), 200: (None, None, None)}


def test_years_are_drawn_in_weeks() -> None:
    days = weekdays(10, date(2026, 2, 27))
    past = [day_bar(day, 100 + at, volume=1) for at, day in enumerate(days)]
    course = of_days(SPANS["5y"], past, None)
    assert course.interval == "1w"
    first, second = course.bars
    assert (first.session, first.open, first.close, first.volume) == (days[0], 99, 104, 5)
    assert (second.high, second.low) == (111, 103)


def test_nothing_known_makes_no_bars() -> None:
    assert of_days(SPANS["1y"], [], None).bars == ()


def test_the_open_of_the_running_day_is_that_of_its_minutes() -> None:
    quote = make_quote(price=100.5)
    minutes = minute_bars(date(2026, 2, 27), 2) + minute_bars(quote.session, 2, opened=97.0)
    bar = running_day(quote, minutes)
    assert (bar.open, bar.close, bar.session) == (97.0, 100.5, quote.session)
    assert bar.low <= 97.0
    assert bar.start == datetime(2026, 3, 2, 5, tzinfo=UTC)


def test_without_minutes_the_price_stands_for_the_open() -> None:
    bar = running_day(make_quote(price=100.5, volume=None))
    assert (bar.open, bar.close, bar.volume) == (100.5, 100.5, 0)
    assert bar.session == MONDAY.date()
