"""The drawing of a trigger's evidence: what is in it, and what is said of it."""

import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from services.alerts.conditions import (
    Condition,
    DayChangeCondition,
    PriceCondition,
    RsiCondition,
    TrailingCondition,
)
from services.market.models import Bar, Chart, Split
from services.store.triggers import Trigger
from web import specimen
from web.around import cut
from web.drawing import LARGE, SMALL, Around, Close, apart, drawing

RANG = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
FALL = PriceCondition(kind="price_falls_to", level=40.0)


def trigger(condition: Condition = FALL, **fields: Any) -> Trigger:
    given = {"value": 39.5, "low": 39.5, "high": 41.0, "price": 39.75, "currency": "USD"} | fields
    return Trigger(
        uid="u",
        id="a-1",
        alert_id="a",
        epoch=1,
        symbol="AAPL",
        condition=condition,
        note="",
        occurred_at=RANG,
        noticed_at=RANG,
        source="fixed",
        open=False,
        due_at=None,
        **given,
    )


def closes(*prices: float) -> tuple[Close, ...]:
    return tuple(Close(date(2026, 2, 1) + timedelta(i), price) for i, price in enumerate(prices))


AROUND = Around(closes(44.0, 43.0, 42.5), closes(38.0))


def drawn(found: Trigger, around: Around = AROUND, size: Any = SMALL) -> str:
    return str(drawing(found, around, size, lambda day: day.isoformat(), "2 Mar"))


def heights(svg: str, name: str) -> list[float]:
    return [float(y) for y in re.findall(rf'class="drawing-{name}"[^>]* c?y1?="([\d.]+)"', svg)]


def said(svg: str) -> str:
    label = ElementTree.fromstring(svg).get("aria-label")
    assert label
    return label


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_it_is_one_well_formed_picture_without_styles(size: Any) -> None:
    svg = drawn(trigger(), size=size)
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert "style=" not in svg


def test_all_of_it_is_told_in_words() -> None:
    assert said(drawn(trigger())) == (
        "AAPL. 3 closes before it, the last at 42.50. Level 40.00."
        " Between two checks from 39.50 to 41.00; it went to 39.50. 39.75 when it was noticed."
        " One close after it, at 38.00."
    )


def test_higher_prices_stand_higher() -> None:
    svg = drawn(trigger())
    (level,), (touch,), (noticed,) = (heights(svg, n) for n in ("level", "touch", "noticed"))
    assert level < noticed < touch


def test_without_closes_the_two_checks_stand_alone() -> None:
    svg = drawn(trigger(), Around())
    assert "closes" not in said(svg)
    assert heights(svg, "level")


@pytest.mark.parametrize("price", [0.00000123, 715_930.0, 0.0, -37.63])
def test_one_price_and_nothing_else_can_be_drawn(price: float) -> None:
    found = trigger(
        PriceCondition(kind="price_falls_to", level=price),
        **dict.fromkeys(("value", "low", "high", "price"), price),
    )
    svg = drawn(found, Around())
    assert "nan" not in svg
    assert "inf" not in svg


def test_a_change_of_the_day_is_drawn_in_prices_where_the_close_before_is_known() -> None:
    found = trigger(
        DayChangeCondition(kind="day_change_falls_to", level=-10), value=-12, low=-12, high=-1
    )
    assert "Level 38.25." in said(drawn(found))
    assert "it went to \N{MINUS SIGN}12\N{NARROW NO-BREAK SPACE}%" in said(drawn(found, Around()))


def test_a_fall_from_the_high_is_drawn_below_it() -> None:
    found = trigger(
        TrailingCondition(kind="falls_from_peak", percent=10), value=12, low=0, high=12, peak=50.0
    )
    assert "Level 45.00. Between two checks from 44.00 to 50.00" in said(drawn(found))


def test_what_is_no_price_shows_the_course_or_its_own_scale() -> None:
    found = trigger(RsiCondition(kind="rsi_falls_to", level=30, days=14), value=28, low=28, high=40)
    assert "Level" not in said(drawn(found))
    assert "Level 30." in said(drawn(found, Around()))


def test_labels_keep_apart_and_inside() -> None:
    for wanted in ([50, 50, 50], [0, 1, 2], [97, 98, 99], [10, 60, 61]):
        placed = apart(wanted, 10, 100, 16)
        assert all(b - a >= 16 for a, b in pairwise(placed))
        assert placed[-1] <= 100


def bar(day: date, close: float) -> Bar:
    start = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    return Bar(start=start, session=day, open=close, high=close, low=close, close=close, volume=1)


def chart(first: date, count: int, *splits: Split) -> Chart:
    days = [first + timedelta(i) for i in range(count)]
    return Chart(bars=tuple(bar(day, 100.0) for day in days), splits=splits, currency="USD")


def test_bars_of_another_time_are_not_those_around_it() -> None:
    old = chart(date(2000, 3, 1), 60)
    assert cut(old, date(2026, 3, 2)) == Around()
    assert len(cut(old, date(2000, 4, 20)).before) == 30


def test_closes_are_in_the_shares_of_that_day_and_end_before_the_next_split() -> None:
    halved = Split(symbol="AAPL", session=date(2000, 3, 20), ratio=2.0)
    doubled = Split(symbol="AAPL", session=date(2000, 4, 23), ratio=2.0)
    found = cut(chart(date(2000, 3, 1), 60, halved, doubled), date(2000, 4, 1))
    assert [day.price for day in found.before][:3] == [50.0] * 3
    assert found.before[-1].price == 100.0
    found = cut(chart(date(2000, 3, 1), 60, halved, doubled), date(2000, 4, 20))
    assert [day.session.day for day in found.after] == [21, 22]


def test_the_specimen_is_what_really_happened(site: Any) -> None:
    assert specimen.AROUND.before[-1] == Close(date(2000, 9, 28), 53.5)
    with site.app.test_request_context("/"):
        assert "Level 40.00" in said(str(specimen.drawn("en")))
