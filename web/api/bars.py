"""Bars of a symbol, as a chart draws them."""

from flask import after_this_request, request
from werkzeug.wrappers import Response

from services.market.absent import Absent
from services.market.models import Quote
from services.market.ranges import SPANS, Course, RangeName
from web.api import schemas
from web.api.blueprint import api
from web.api.openapi import operation
from web.context import now, services
from web.courses import course_of

WAIT = 2.0
RETRY_SECONDS = "1"
_DIGITS = 9
"""Significant ones; what a split's division adds behind them is noise."""


@api.get("/bars/<symbol>")
@operation("market", 200, schemas.Bars, conditional=True)
def read_bars(symbol: str, query: schemas.BarsQuery) -> tuple[schemas.Bars, int, dict[str, str]]:
    """Read the bars of a range; those never asked for before are waited for 2 s at most."""
    quote = services().lookup.find(symbol, now())
    found = course_of(quote, query.range, WAIT)
    if isinstance(found, Absent):
        empty = Course(SPANS[query.range].interval, ())
        return _shown(quote, query.range, empty, pending=True), 200, {"Retry-After": RETRY_SECONDS}
    after_this_request(_unless_unchanged)
    return _shown(quote, query.range, found), 200, {}


def _unless_unchanged(response: Response) -> Response:
    """Kept by whoever asked, who asks each time whether it still holds."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers.add("Vary", "Authorization")
    response.add_etag()
    return response.make_conditional(request)


def _shown(quote: Quote, name: RangeName, course: Course, *, pending: bool = False) -> schemas.Bars:
    bars = course.bars
    return schemas.Bars(
        symbol=quote.symbol,
        range=name,
        interval=course.interval,
        currency=quote.currency,
        timezone=quote.timezone,
        source=quote.source,
        pending=pending,
        times=[bar.start for bar in bars],
        sessions=[bar.session for bar in bars],
        open=[_plain(bar.open) for bar in bars],
        high=[_plain(bar.high) for bar in bars],
        low=[_plain(bar.low) for bar in bars],
        close=[_plain(bar.close) for bar in bars],
        volume=[bar.volume for bar in bars],
        averages=[
            schemas.Average(
                days=average.days,
                values=[value if value is None else _plain(value) for value in average.values],
            )
            for average in course.averages
        ],
    )


def _plain(price: float) -> float:
    return float(f"{price:.{_DIGITS}g}")
