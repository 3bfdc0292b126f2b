"""One symbol in one check: what is known of it, and what that says of each metric. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.alerts import windows
from services.alerts.history import History, days_to
from services.alerts.intervals import Reading, Span, dated, gap, possible, today
from services.alerts.paths import MINUTE, Gauge, Move, Path, Point, Track, from_readings, starting
from services.market.models import Bar

ANY = Span(low=-math.inf, high=math.inf)
TRAILING = ("drawdown", "run-up")
MOVES = ("move-up", "move-down", "move")


class Spans(NamedTuple):
    """What a metric certainly covered, and what it may have covered."""

    seen: Span
    possible: Span


@dataclass(frozen=True, slots=True)
class Scene:
    """`present` is the check's reading and `market_now` its time in the market (UTC).

    `history` and `earnings` are None where no metric in use needs them, or there are none.
    """

    present: Reading
    market_now: datetime
    timezone: str
    history: History | None = None
    earnings: date | None = None

    def spans(self, metric: str, start: Reading, rests_after: date | None = None) -> Spans | None:
        """What the readings `start` and present say; None where the metric has no value.

        Sessions up to `rests_after` count for nothing.
        """
        rests = rests_after is not None and start.session <= rests_after
        match family_of(metric):
            case "price" if not rests:
                return Spans(dated(start, self.present), possible(start, self.present))
            case "price+extended":
                return self._extended_spans(start)
            case "volume" | "cross" | "earnings":
                path = from_readings(start, self.present).after(rests_after)
                return _certain(self.points(metric, path))
            case "move-up" | "move-down" | "move":
                return self._window_spans(metric, start, rests_after)
            case _:
                return self._gauged_spans(metric, start)

    def between(self, metric: str, start: Reading) -> Path:
        """The path of the price that the readings `start` and present alone prove."""
        if metric == "price+extended":
            return from_readings(start.extended(), self.present.extended())
        return from_readings(start, self.present)

    def points(self, metric: str, path: Path) -> list[Point]:
        """What the metric covered on a path; empty where it has no value."""
        match family_of(metric):
            case "price" | "price+extended":
                return path.price_points()
            case "volume":
                return self._volume_points(path)
            case "cross":
                return self._cross_points(metric, path)
            case "earnings":
                return self._earnings_points()
            case "move-up" | "move-down" | "move":
                return self._window_points(metric, path)
            case _:
                return path.points(metric, lambda session: self.gauge(metric, session))

    def value(self, metric: str) -> float | None:
        """The metric now; None where it has no value, or one that only bars can tell."""
        match family_of(metric):
            case "price":
                return self.present.price
            case "price+extended":
                return self.present.extended().price
            case "volume" | "cross" | "earnings":
                alone = Path(self.present.as_of, None, (), self.present)
                points = self.points(metric, alone)
                return points[-1].high if points else None
            case "move-up" | "move-down" | "move" | "drawdown" | "run-up":
                return None
            case _:
                gauge = self.gauge(metric, self.present.session)
                return gauge(self.present.price) if gauge else None

    def gauge(self, metric: str, session: date) -> Gauge | None:
        """How a price, or the day's volume, gives the metric in that session."""
        base = self.present.previous_close if session == self.present.session else None
        history = self.history or History(())
        return history.gauge(metric, session, base)

    def _gauged_spans(self, metric: str, start: Reading) -> Spans | None:
        present = self.present
        gauge = self.gauge(metric, present.session)
        if gauge is None:
            return None
        if start.session == present.session:
            seen = today(start, present)
            return Spans(_mapped(seen, gauge), _mapped(possible(start, present), gauge))
        if gap(start, present):
            now = gauge(present.price)
            return Spans(Span(low=now, high=now), ANY)
        seen = _mapped(today(start, present), gauge)
        return Spans(seen, seen)

    def _extended_spans(self, start: Reading) -> Spans:
        before, now = start.extended(), self.present.extended()
        regular = Spans(dated(start, self.present), possible(start, self.present))
        if (before.as_of, now.as_of) == (start.as_of, self.present.as_of):
            return regular
        prices = [regular.seen.low, regular.seen.high, now.price]
        return Spans(Span(low=min(prices), high=max(prices)), ANY)

    def _volume_points(self, path: Path) -> list[Point]:
        present, before = self.present, path.previous
        points = []
        for bar in self._sessions(path):
            gauge = self.gauge("volume", bar.session)
            if gauge:
                # On the day of a start that is not known only its end is certain.
                unknown = before is None and bar.session == self._day(path.since)
                began = _volume_at(before, bar.session, bar.volume if unknown else 0)
                points.append(_point(path, bar, gauge(began), gauge(bar.volume)))
        gauge = self.gauge("volume", present.session)
        if gauge and present.volume is not None:
            if before is None or before.session != present.session:
                points.append(_now(present, gauge(0), gauge(0))._replace(at=self._opened(path)))
            began = _volume_at(before, present.session, 0)
            low, high = gauge(min(began, present.volume)), gauge(present.volume)
            points.append(_now(present, low, high))
        return points

    def _cross_points(self, metric: str, path: Path) -> list[Point]:
        history, present = self.history or History(()), self.present
        fast, slow = (int(days) for days in metric.split(":")[1:])
        points = []
        started = path.previous.session if path.previous else None
        for bar in self._sessions(path):
            value = history.cross(fast, slow, bar.session - timedelta(days=1))
            if value is not None and bar.session != started:
                points.append(_point(path, bar, value, value))
        value = history.cross(fast, slow, present.session - timedelta(days=1))
        if value is not None:
            # Known before the session began, so a final value of it comes later.
            points.append(_now(present, value, value)._replace(at=self._opened(path)))
        final = self._with_today().cross(fast, slow, present.session)
        if present.session_over and final is not None:
            points.append(_now(present, final, final))
        return points

    def _earnings_points(self) -> list[Point]:
        if self.earnings is None:
            return []
        days = days_to(self.earnings, self._day(self.market_now))
        return [] if days is None else [_now(self.present, days, days)]

    def _window_points(self, metric: str, path: Path) -> list[Point]:
        in_days = window_start(metric, path.since) is None
        if path.days_until is not None and not in_days:
            path = _minutes_only(path, metric)
            if not path.moves:
                return []  # a day does not tell how far the price went within an hour
        if path.days_until is None and path.minutes is not None and path.moves:
            return self._points_of_minutes(metric, path, path.minutes)
        known = [*(path.earlier or _so_far(path) if in_days else path.earlier), *path.walk()]
        if in_days and not path.moves:
            # Readings of two sessions do not tell how many lie between them; the history does.
            known = [move for move in known if move.session == self.present.session]
        days = self._days_before(metric, known[0].session)
        points = windows.moves([*days, *known], metric, max(path.since, known[0].at))
        if path.moves or path.earlier or in_days:
            return points
        # Without minutes it is not known what is in a window of theirs.
        most = self._most(metric, path.previous)
        return [point._replace(low=max(most, point.low), high=0.0) for point in points]

    def _points_of_minutes(self, metric: str, path: Path, track: Track) -> list[Point]:
        """Worked out once for all alerts that look at the same minutes from different times on."""
        minutes, end = [*path.earlier, *path.moves], path.walk()[-1]
        days = self._days_before(metric, minutes[0].session)
        # A path that rests lacks the minutes between those before it and those that count.
        rest = (path.rests_after, len(path.earlier)) if path.rests_after else None
        known = track.points(
            (metric, minutes[0].at, len(minutes), rest, end),
            lambda: windows.moves([*days, *minutes, end], metric, minutes[0].at),
        )
        return starting(known, path.since)

    def _window_spans(self, metric: str, start: Reading, rests_after: date | None) -> Spans | None:
        """The extremes of the window's sessions bound every move within it."""
        path = from_readings(start, self.present).after(rests_after)
        points = self._window_points(metric, path)
        if not points:
            return None
        low, high = min(point.low for point in points), max(point.high for point in points)
        most = math.inf if gap(start, self.present) else self._most(metric, path.previous)
        return Spans(Span(low=low, high=high), Span(low=0.0, high=max(high, most)))

    def _most(self, metric: str, start: Reading | None) -> float:
        """The most that the metric may have been, whatever the order of prices was."""
        began = window_start(metric, start.as_of if start else self.present.as_of)
        if began is not None and self._day(began) < self.present.session:
            return math.inf
        readings = [self.present, *([start] if start else [])]
        days = self._days_before(metric, min(reading.session for reading in readings))
        low = min(*(r.day_low for r in readings), *(day.low for day in days), math.inf)
        high = max(*(r.day_high for r in readings), *(day.high for day in days), -math.inf)
        most = windows.bound(low, high, metric)
        return math.inf if most is None else most

    def _days_before(self, metric: str, session: date) -> list[Move]:
        """The sessions before that one into which its window of days reaches."""
        window = metric.partition(":")[2]
        count = int(window[:-1]) - 1 if window.endswith("d") else 0
        bars = (self.history or History(())).before(session)
        return [Move.of_bar(bar) for bar in bars[max(0, len(bars) - count) :]]

    def _sessions(self, path: Path) -> list[Bar]:
        """The completed sessions on a path, the one in which it began included."""
        if self.history is None:
            return []
        first = path.previous.session if path.previous else self._day(path.since)
        rests = path.rests_after
        return [
            bar
            for bar in self.history.before(self.present.session)
            if bar.session >= first and (rests is None or bar.session > rests)
        ]

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.timezone)).date()

    def _opened(self, path: Path) -> datetime:
        """When the day of the present session began, or the path in it."""
        midnight = datetime.combine(self.present.session, time(), ZoneInfo(self.timezone))
        return min(max(midnight.astimezone(UTC), path.since), self.present.as_of)

    def _with_today(self) -> History:
        """The history with the present session, which is over."""
        present = self.present
        day = Bar(
            start=present.as_of,
            session=present.session,
            open=present.price,
            high=present.day_high,
            low=present.day_low,
            close=present.price,
            volume=present.volume or 0,
        )
        return (self.history or History(())).and_close(day)


def window_start(metric: str, end: datetime) -> datetime | None:
    """When a window of minutes or hours begins that ends at `end`; None for one of days."""
    window = metric.partition(":")[2]
    length, unit = int(window[:-1]), window[-1]
    if unit == "d":
        return None
    return end - (timedelta(minutes=length) if unit == "m" else timedelta(hours=length))


def family_of(metric: str) -> str:
    """The name of a metric without its parameters."""
    return metric.partition(":")[0].partition("@")[0]


def _minutes_only(path: Path, metric: str) -> Path:
    """The part of a path that is known by minutes, from the first whole window on."""
    assert path.days_until is not None
    minutes = [move for move in path.moves if not path.is_day(move.at)]
    window = path.days_until - (window_start(metric, path.days_until) or path.days_until)
    since = min(path.days_until + window, path.present.as_of)
    return replace(
        path,
        since=since,
        previous=None,
        earlier=tuple(move for move in minutes if move.at < since),
        moves=tuple(move for move in minutes if move.at >= since),
        days_until=None,
    )


def _so_far(path: Path) -> list[Move]:
    """What was seen of the day before a path began."""
    start = path.previous
    if start is None:
        return []
    price, low, high = start.price, start.day_low, start.day_high
    return [Move(path.since - MINUTE, start.session, price, low, high, price)]


def _certain(points: list[Point]) -> Spans | None:
    if not points:
        return None
    seen = Span(low=min(point.low for point in points), high=max(point.high for point in points))
    return Spans(seen, seen)


def _mapped(span: Span, gauge: Callable[[float], float]) -> Span:
    low, high = (gauge(v) if math.isfinite(v) else v for v in (span.low, span.high))
    return Span(low=low, high=high)


def _volume_at(before: Reading | None, session: date, otherwise: int) -> int:
    if before is not None and before.session == session and before.volume is not None:
        return before.volume
    return otherwise


def _point(path: Path, bar: Bar, low: float, high: float) -> Point:
    close = bar.close
    return Point(max(bar.start, path.since), bar.session, low, high, close, close, close)


def _now(present: Reading, low: float, high: float) -> Point:
    price = present.price
    return Point(present.as_of, present.session, low, high, price, price, price)
