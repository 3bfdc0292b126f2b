"""Yahoo's JSON into quotes, bars, splits and matches. Pure."""

import math
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ValidationError

from services.errors import SourceUnavailable
from services.market.models import (
    Bar,
    BarInterval,
    Chart,
    Closes,
    MarketState,
    Match,
    Quote,
    Split,
    normal_symbol,
)
from services.market.yahoo_shapes import (
    ChartAnswer,
    ChartHeads,
    QuoteAnswer,
    RawChart,
    RawQuote,
    SearchAnswer,
    SparkAnswer,
)

SOURCE = "yahoo"
MAX_MATCHES = 10
_MOST_SHARES = 1e6
"""For one old share, or the other way round: anything beyond is nonsense."""
_SINGLE_PRECISION = 2.0**-24
_STATES: dict[str, MarketState] = {
    "PREPRE": "pre", "PRE": "pre", "REGULAR": "open", "POST": "post", "POSTPOST": "post"
}  # fmt: skip


A = TypeVar("A", bound=BaseModel)


def read_quotes(answer: object, asked: Collection[str], now: datetime) -> dict[str, Quote]:
    """The usable quotes of `asked` symbols. Raises SourceUnavailable if it is no quote answer."""
    found = {
        quote.symbol: usable
        for quote in _read(QuoteAnswer, answer).response.result
        if quote.symbol in asked and (usable := _usable(quote, now))
    }
    return {symbol: found[symbol] for symbol in asked if symbol in found}


def read_chart(
    answer: object, symbol: str, interval: BarInterval, since: datetime, now: datetime
) -> Chart:
    """What `read_bars` and `read_splits` find, with the chart's currency and exchange."""
    for chart in _read(ChartAnswer, answer).chart.result[:1]:
        return Chart(
            bars=tuple(_bars_after(chart, interval, since)),
            splits=tuple(_splits_within(chart, symbol, since, now)),
            currency=chart.meta.currency,
            exchange=chart.meta.exchange,
        )
    return Chart()


def is_of_another(answer: object, symbol: str) -> bool:
    """Whether a chart names another symbol, as it may where `symbol` was renamed.

    Raises SourceUnavailable if it is no chart answer.
    """
    names = {head.meta.symbol for head in _read(ChartHeads, answer).chart.result[:1]}
    return not names <= {"", symbol}


def read_bars(answer: object, interval: BarInterval, since: datetime) -> list[Bar]:
    """Bars that end after `since`, oldest first, in prices and volumes as traded.

    Yahoo states all in shares of today; the splits in the same answer undo that, so it has
    to reach up to now. Raises SourceUnavailable if it is no chart answer.
    """
    for chart in _read(ChartAnswer, answer).chart.result[:1]:
        return _bars_after(chart, interval, since)
    return []


def read_splits(answer: object, symbol: str, since: datetime, now: datetime) -> list[Split]:
    """Splits of sessions after that of `since` and up to that of `now`, oldest first.

    Raises SourceUnavailable if it is no chart answer.
    """
    for chart in _read(ChartAnswer, answer).chart.result[:1]:
        return _splits_within(chart, symbol, since, now)
    return []


def read_closes(answer: object, asked: Collection[str], since: datetime) -> dict[str, Closes]:
    """The closes after the session of `since` of `asked` symbols, in shares of today.

    Raises SourceUnavailable if it is no answer about many symbols.
    """
    return {
        one.symbol: Closes(days=tuple(_closes(chart, since)), currency=chart.meta.currency)
        for one in _read(SparkAnswer, answer).spark.result
        for chart in one.response[:1]
        if one.symbol in asked
    }


def read_matches(answer: object) -> list[Match]:
    """Up to ten matches, best first. Raises SourceUnavailable if it is no search answer."""
    found = _read(SearchAnswer, answer).quotes
    matches = {
        item.symbol: Match(
            symbol=item.symbol,
            name=item.long_name or item.short_name or item.symbol,
            exchange=item.exchange,
            kind=item.kind,
        )
        for item in found
        if _is_symbol(item.symbol)
    }
    return list(matches.values())[:MAX_MATCHES]


def _read(model: type[A], answer: object) -> A:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise SourceUnavailable(f"Yahoo's answer has another form ({where}).") from None


def _usable(quote: RawQuote, now: datetime) -> Quote | None:
    if quote.price is None or quote.traded is None:
        return None
    high, low = quote.day_high, quote.day_low
    if high is not None and low is not None and low > high:
        high = low = None
    extended_price, extended_at = _extended(quote)
    zone = _zone(quote.timezone)
    return Quote(
        symbol=quote.symbol,
        name=quote.long_name or quote.short_name or quote.symbol,
        price=quote.price,
        previous_close=quote.previous_close,
        day_high=high,
        day_low=low,
        volume=quote.volume,
        currency=quote.currency,
        exchange=_exchange(quote),
        timezone=zone.key,
        market_state=_STATES.get(quote.state, "closed"),
        as_of=quote.traded,
        fetched_at=now,
        source=SOURCE,
        extended_price=extended_price,
        extended_at=extended_at,
        earnings=_next_earnings(quote, now, zone),
    )


def _exchange(quote: RawQuote) -> str:
    """A mutual fund does not keep the hours of the exchange that it is filed under."""
    is_fund = quote.kind == "MUTUALFUND" and quote.exchange
    return f"{quote.exchange} funds" if is_fund else quote.exchange


def _extended(quote: RawQuote) -> tuple[float, datetime] | tuple[None, None]:
    """The newest price out of regular hours, where it is newer than the regular one."""
    if quote.traded is None or _STATES.get(quote.state) == "open":
        return None, None
    found = [
        (at, price)
        for price, at in (
            (quote.before_open, quote.before_open_at),
            (quote.after_close, quote.after_close_at),
        )
        if price is not None and at is not None and at > quote.traded
    ]
    if not found:
        return None, None
    at, price = max(found)
    return price, at


def _next_earnings(quote: RawQuote, now: datetime, zone: ZoneInfo) -> date | None:
    """Yahoo gives a day, often the last one's, and the first and last day of an estimate."""
    today = now.astimezone(zone).date()
    at, begin, end = (
        moment.astimezone(zone).date() if moment else None
        for moment in (quote.earnings_at, quote.earnings_from, quote.earnings_until)
    )
    if begin and end and begin < today <= end:
        begin = today
    return min((day for day in (at, begin) if day and day >= today), default=None)


def _bars_after(chart: RawChart, interval: BarInterval, since: datetime) -> list[Bar]:
    bars: dict[datetime, Bar] = {}
    for bar in _bars(chart, interval):
        bars[bar.start] = _joined(bars[bar.start], bar) if bar.start in bars else bar
    zone = _zone(chart.meta.timezone)
    return [bars[start] for start in sorted(bars) if _end(bars[start], interval, zone) > since]


def _closes(chart: RawChart, since: datetime) -> list[tuple[date, float]]:
    zone = _zone(chart.meta.timezone)
    after = since.astimezone(zone).date()
    by_session = {
        moment.astimezone(zone).date(): close
        for series in chart.indicators.quote[:1]
        for moment, close in zip(chart.timestamp, series.close, strict=False)
        if moment is not None and close is not None
    }
    return sorted(one for one in by_session.items() if one[0] > after)


def _splits_within(chart: RawChart, symbol: str, since: datetime, now: datetime) -> list[Split]:
    zone = _zone(chart.meta.timezone)
    after, until = (moment.astimezone(zone).date() for moment in (since, now))
    return [
        Split(symbol=symbol, session=session, ratio=ratio)
        for session, ratio in sorted(_split_ratios(chart))
        if after < session <= until
    ]


def _bars(chart: RawChart, interval: BarInterval) -> Iterator[Bar]:
    zone, splits = _zone(chart.meta.timezone), list(_split_ratios(chart))
    for series in chart.indicators.quote[:1]:
        columns = (series.open, series.high, series.low, series.close, series.volume)
        for moment, *prices, volume in zip(chart.timestamp, *columns, strict=False):
            if moment is None or None in prices:
                continue
            session = moment.astimezone(zone).date()
            factor = math.prod(ratio for day, ratio in splits if session < day)
            if not 1 / _MOST_SHARES < factor < _MOST_SHARES:
                continue
            opened, high, low, close = (_as_traded(price, factor) for price in prices)
            if low <= min(opened, close) and max(opened, close) <= high:
                yield Bar(
                    start=_start(moment, session, interval, zone),
                    session=session,
                    open=opened,
                    high=high,
                    low=low,
                    close=close,
                    volume=round((volume or 0) / factor),
                )


def _as_traded(price: float, factor: float) -> float:
    """`price` times `factor`, as the shortest decimal that it can stand for.

    Charts come in single precision: 129.0399932861328 is 129.04, which a level must touch.
    """
    exact = price * factor
    for digits in range(4, 10):
        short = float(f"{exact:.{digits}g}")
        if abs(short - exact) <= abs(exact) * _SINGLE_PRECISION:
            return short
    return exact


def _start(moment: datetime, session: date, interval: BarInterval, zone: ZoneInfo) -> datetime:
    if interval == "1d":
        return datetime.combine(session, time(), zone).astimezone(UTC)
    return moment.replace(second=0, microsecond=0)


def _end(bar: Bar, interval: BarInterval, zone: ZoneInfo) -> datetime:
    if interval == "1m":
        return bar.start + timedelta(minutes=1)
    return datetime.combine(bar.session + timedelta(days=1), time(), zone)


def _joined(earlier: Bar, later: Bar) -> Bar:
    # Yahoo adds the last trade as a row of its own, within the span of the row before.
    return Bar(
        start=earlier.start,
        session=earlier.session,
        open=earlier.open,
        high=max(earlier.high, later.high),
        low=min(earlier.low, later.low),
        close=later.close,
        volume=max(earlier.volume, later.volume),
    )


def _split_ratios(chart: RawChart) -> Iterator[tuple[date, float]]:
    zone = _zone(chart.meta.timezone)
    for event in chart.events.splits.values():
        if event.date and event.numerator and event.denominator:
            ratio = event.numerator / event.denominator
            if 1 / _MOST_SHARES < ratio < _MOST_SHARES:
                yield event.date.astimezone(zone).date(), ratio


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _is_symbol(text: str) -> bool:
    try:
        return normal_symbol(text) == text
    except ValueError:
        return False
