"""From the bars at hand to the bars of a chart's range, with their averages. Pure."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, groupby
from typing import Literal, NamedTuple, TypeAlias, get_args
from zoneinfo import ZoneInfo

from services.market.models import Bar, Quote

RangeName: TypeAlias = Literal["1d", "5d", "1mo", "6mo", "1y", "5y", "10y"]
Interval: TypeAlias = Literal["5m", "30m", "1d", "1w"]
RANGES: tuple[RangeName, ...] = get_args(RangeName)
USUAL: RangeName = "1y"
AVERAGES = (50, 200)
"""Sessions of the averages that a chart draws."""
_FIVE, _THIRTY = timedelta(minutes=5), timedelta(minutes=30)
_WHOLE_DAY = timedelta(hours=20)
"""An instrument whose sessions last longer rests so little that its day is the last 24 hours."""


class Span(NamedTuple):
    """How far a range reaches back, `days` of the calendar or `sessions` of minutes, and what
    one bar of it spans. `years` of daily bars are needed."""

    interval: Interval
    days: int = 0
    sessions: int = 0
    years: int = 4

    @property
    def of_minutes(self) -> bool:
        return self.sessions > 0


SPANS: dict[RangeName, Span] = {
    "1d": Span("5m", sessions=1),
    "5d": Span("30m", sessions=5),
    "1mo": Span("1d", days=31),
    "6mo": Span("1d", days=184),
    "1y": Span("1d", days=366),
    "5y": Span("1w", days=5 * 365 + 2, years=10),
    "10y": Span("1w", days=10 * 365 + 3, years=10),
}


class Average(NamedTuple):
    """The simple averages of `days` closes, one for each bar; None where there are too few."""

    days: int
    values: tuple[float | None, ...]


class Course(NamedTuple):
    """The bars of a range, oldest first, the running one included, and their averages."""

    interval: Interval
    bars: tuple[Bar, ...]
    averages: tuple[Average, ...] = ()


def of_minutes(span: Span, minutes: Sequence[Bar]) -> Course:
    """The last sessions of 1-minute bars, some minutes to a bar."""
    size = _FIVE if span.interval == "5m" else _THIRTY
    shown = _last_sessions(minutes, span.sessions)
    return Course(span.interval, _grouped(shown, lambda bar: _slot(bar.start, size)))


def of_days(span: Span, daily: Sequence[Bar], running: Bar | None) -> Course:
    """The last days of completed daily bars and the running one, a day or a week to a bar.

    Averages are of daily closes, those before the range included.
    """
    bars = [*daily, *([running] if running else [])]
    if not bars:
        return Course(span.interval, ())
    since = bars[-1].session - timedelta(days=span.days)
    averages = [_averages([bar.close for bar in bars], days) for days in AVERAGES]
    shown = [at for at, bar in enumerate(bars) if bar.session > since]
    if span.interval == "1d":
        chosen = tuple(bars[at] for at in shown)
        ends = shown
    else:
        weeks = [list(group) for _, group in groupby(shown, lambda at: _week(bars[at].session))]
        chosen = tuple(_joined([bars[at] for at in week]) for week in weeks)
        ends = [week[-1] for week in weeks]
    return Course(
        span.interval,
        chosen,
        tuple(
            Average(days, tuple(values[at] for at in ends))
            for days, values in zip(AVERAGES, averages, strict=True)
        ),
    )


def running_day(quote: Quote, minutes: Sequence[Bar] = ()) -> Bar:
    """The session of a quote as one bar. Its open is that of its minutes, else not known, and
    then the price stands for it."""
    known = [bar for bar in minutes if bar.session == quote.session]
    opened = known[0].open if known else quote.price
    prices = [opened, quote.price]
    midnight = datetime.combine(quote.session, time(), ZoneInfo(quote.timezone))
    return Bar(
        start=midnight.astimezone(UTC),
        session=quote.session,
        open=opened,
        high=max(*prices, *([] if quote.day_high is None else [quote.day_high])),
        low=min(*prices, *([] if quote.day_low is None else [quote.day_low])),
        close=quote.price,
        volume=quote.volume or 0,
    )


def _last_sessions(minutes: Sequence[Bar], count: int) -> list[Bar]:
    if not minutes:
        return []
    if _rests_little(minutes):
        since = minutes[-1].start - timedelta(days=count)
        return [bar for bar in minutes if bar.start > since]
    wanted = set(sorted({bar.session for bar in minutes})[-count:])
    return [bar for bar in minutes if bar.session in wanted]


def _rests_little(minutes: Sequence[Bar]) -> bool:
    """Whether some session lasts nearly the whole day, as those of crypto and currencies do."""
    days = (list(bars) for _, bars in groupby(minutes, lambda bar: bar.session))
    return any(day[-1].start - day[0].start > _WHOLE_DAY for day in days)


def _grouped(bars: Iterable[Bar], key: Callable[[Bar], object]) -> tuple[Bar, ...]:
    return tuple(_joined(list(group)) for _, group in groupby(bars, key))


def _slot(start: datetime, size: timedelta) -> int:
    return int(start.timestamp() // size.total_seconds())


def _week(session: date) -> tuple[int, int]:
    return session.isocalendar()[:2]


def _joined(bars: Sequence[Bar]) -> Bar:
    return Bar(
        start=bars[0].start,
        session=bars[0].session,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=sum(bar.volume for bar in bars),
    )


def _averages(closes: Sequence[float], n: int) -> list[float | None]:
    sums = [0.0, *accumulate(closes)]
    return [(sums[at] - sums[at - n]) / n if at >= n else None for at in range(1, len(closes) + 1)]
