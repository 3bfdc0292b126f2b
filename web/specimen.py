"""One ring for the page that says what Bellwether is: Apple's fall of 29 September 2000, with the
real closes around it (local/market/README.md has their source)."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from markupsafe import Markup

from services import figures
from services.alerts.conditions import PriceCondition
from services.store.triggers import Delivery, Trigger
from web.drawing import SMALL, Around, Close, drawing

_DAY = date(2000, 9, 29)
_OPENED = datetime(2000, 9, 29, 13, 30, tzinfo=UTC)
_BEFORE = """
8-18 50.00, 8-21 50.50, 8-22 51.69, 8-23 54.31, 8-24 56.11, 8-25 56.81, 8-28 58.06, 8-29 59.19,
8-30 59.50, 8-31 60.94, 9-1 63.44, 9-5 62.44, 9-6 58.44, 9-7 62.00, 9-8 58.88, 9-11 58.44,
9-12 57.75, 9-13 58.00, 9-14 56.86, 9-15 55.23, 9-18 60.66, 9-19 59.94, 9-20 61.05, 9-21 56.69,
9-22 52.19, 9-25 53.50, 9-26 51.44, 9-27 48.94, 9-28 53.50"""
_AFTER = """10-2 24.25, 10-3 22.31, 10-4 23.62, 10-5 22.06, 10-6 22.19, 10-9 21.75, 10-10 20.87"""


def _closes(text: str) -> tuple[Close, ...]:
    return tuple(_close(*one.split()) for one in text.split(","))


def _close(day: str, price: str) -> Close:
    month, number = day.split("-")
    return Close(date(2000, int(month), int(number)), float(price))


AROUND = Around(_closes(_BEFORE), _closes(_AFTER))
TRIGGER = Trigger(
    uid="specimen",
    id="specimen-1",
    alert_id="specimen",
    epoch=1,
    symbol="AAPL",
    condition=PriceCondition(kind="price_falls_to", level=40.0),
    note="",
    value=28.19,
    price=28.19,
    low=28.19,
    high=29.0,
    currency="USD",
    occurred_at=_OPENED,
    noticed_at=_OPENED + timedelta(minutes=5),
    source="replay",
    deliveries={"email": Delivery(state="sent", sent_at=_OPENED + timedelta(minutes=5))},
    open=False,
    due_at=None,
)


def day() -> str:
    """When it rang."""
    return figures.short_day(_DAY)


@lru_cache(8)
def drawn(language: str) -> Markup:  # noqa: ARG001 - numbers and days are written in it
    return drawing(TRIGGER, AROUND, SMALL, figures.day_of_year, day())
