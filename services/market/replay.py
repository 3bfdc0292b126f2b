"""Real daily prices of the past, replayed at a chosen pace: a market for one machine."""

import csv
import gzip
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from services.market.bars import in_shares_of
from services.market.day_path import DayPath, Stretch
from services.market.models import Bar, BarInterval, Chart, Closes, Match, Quote, Split
from services.market.replay_clock import NEW_YORK, Moment, ReplayClock, opening

MAX_MATCHES = 10
_CURRENCY = "USD"
_MINUTE = timedelta(minutes=1)
_LISTINGS = {
    "AAPL": ("Apple Inc.", "NASDAQ"),
    "FB": ("Facebook, Inc.", "NASDAQ"),
    "GOOG": ("Google Inc.", "NASDAQ"),
    "IBM": ("International Business Machines Corporation", "NYSE"),
    "MSFT": ("Microsoft Corporation", "NASDAQ"),
}


@dataclass(slots=True)
class _History:
    """One symbol's sessions, oldest first, and its days by session."""

    sessions: list[date] = field(default_factory=list)
    days: dict[date, DayPath] = field(default_factory=dict)
    previous_close: dict[date, float] = field(default_factory=dict)
    splits: dict[date, float] = field(default_factory=dict)

    def add(self, session: date, day: DayPath) -> None:
        if self.sessions:
            # The quote source states the close before a split in new shares.
            close = self.days[self.sessions[-1]].close / self.splits.get(session, 1.0)
            self.previous_close[session] = round(close, 4)
        self.sessions.append(session)
        self.days[session] = day

    def between(self, first: date, last: date) -> list[date]:
        return self.sessions[bisect_left(self.sessions, first) : bisect_right(self.sessions, last)]


class ReplayProvider:
    """A `Provider` of five American shares between 2000 and 2013.

    One session lasts `day_seconds` of our time, counted from `origin`; the first is the
    first trading day at or after `start`. Prices are in dollars and as traded.
    """

    name = "replay"

    def __init__(
        self, csv: Path, splits: Path, origin: datetime, start: date, day_seconds: float
    ) -> None:
        """Reads both files. Raises MarketError when the prices end before `start`."""
        self._histories = _read(csv, splits)
        sessions = sorted({s for history in self._histories.values() for s in history.sessions})
        self._clock = ReplayClock(sessions, start, origin, day_seconds)
        self.fresh_for = timedelta(seconds=min(max(day_seconds / 20, 1), 300))

    def market_time(self, now: datetime) -> datetime:
        """The replayed exchange's time in UTC; after the last session, its close."""
        return self._clock.moment(now).time

    def quotes(self, symbols: Sequence[str], now: datetime) -> dict[str, Quote]:
        """The quotes of those symbols that are listed on the replayed day."""
        moment = self._clock.moment(now)
        return {
            symbol: self._quote(symbol, history, moment, now)
            for symbol in symbols
            if (history := self._histories.get(symbol)) and moment.session in history.days
        }

    def bars(
        self,
        symbol: str,
        interval: BarInterval,
        since: datetime,
        now: datetime,
        *,
        extended: bool = False,  # noqa: ARG002 - the replayed exchange has regular hours only
    ) -> list[Bar]:
        """Bars as traded, also of days before the replay's start; a day ends at midnight."""
        history, moment = self._histories.get(symbol), self._clock.moment(now)
        if history is None:
            return []
        make = _minute_bars if interval == "1m" else _daily_bars
        first = since.astimezone(NEW_YORK).date()
        return [
            bar
            for session in history.between(first, moment.session)
            for bar in make(
                session, history.days[session], moment.done if session == moment.session else 1.0
            )
            if interval == "1d" or bar.start + _MINUTE > since
        ]

    def splits(self, symbol: str, since: datetime, now: datetime) -> list[Split]:
        """The splits after the session of `since`, up to the replayed day."""
        history, until = self._histories.get(symbol), self._clock.moment(now).session
        after = since.astimezone(NEW_YORK).date()
        return [
            Split(symbol=symbol, session=session, ratio=ratio)
            for session, ratio in sorted(history.splits.items() if history else ())
            if after < session <= until
        ]

    def chart(self, symbol: str, interval: BarInterval, since: datetime, now: datetime) -> Chart:
        """Bars and splits together."""
        if symbol not in self._histories:
            return Chart()
        return Chart(
            bars=tuple(self.bars(symbol, interval, since, now)),
            splits=tuple(self.splits(symbol, since, now)),
            currency=_CURRENCY,
            exchange=_listing(symbol)[1],
        )

    def closes(self, symbols: Sequence[str], since: datetime, now: datetime) -> dict[str, Closes]:
        """Of the symbols that the replay has, in shares of the replayed day."""
        today = self._clock.moment(now).session
        charts = {s: self.chart(s, "1d", since, now) for s in symbols if s in self._histories}
        return {
            symbol: Closes(
                days=tuple(
                    (bar.session, bar.close)
                    for bar in in_shares_of(chart.bars, chart.splits, today)
                ),
                currency=chart.currency,
            )
            for symbol, chart in charts.items()
        }

    def earnings(self, symbol: str, now: datetime) -> date | None:  # noqa: ARG002
        """None: the replay knows prices only."""
        return None

    def search(self, text: str, now: datetime) -> list[Match]:
        """Listed symbols that begin with `text`, then those whose company's name holds it."""
        wanted, session = text.strip().casefold(), self._clock.moment(now).session
        listed = [s for s, history in self._histories.items() if session in history.days]
        by_symbol = [s for s in listed if wanted and s.casefold().startswith(wanted)]
        by_name = [s for s in listed if wanted and wanted in _listing(s)[0].casefold()]
        found = list(dict.fromkeys(sorted(by_symbol) + sorted(by_name)))[:MAX_MATCHES]
        return [
            Match(symbol=s, name=_listing(s)[0], exchange=_listing(s)[1], kind="Equity")
            for s in found
        ]

    def _quote(self, symbol: str, history: _History, moment: Moment, now: datetime) -> Quote:
        day = history.days[moment.session].so_far(moment.done)
        name, exchange = _listing(symbol)
        return Quote(
            symbol=symbol,
            name=name,
            price=day.close,
            previous_close=history.previous_close.get(moment.session),
            day_high=day.high,
            day_low=day.low,
            volume=day.volume,
            currency=_CURRENCY,
            exchange=exchange,
            timezone=NEW_YORK.key,
            market_state="closed" if moment.over else "open",
            as_of=moment.time,
            fetched_at=now,
            source=self.name,
        )


def _listing(symbol: str) -> tuple[str, str]:
    return _LISTINGS.get(symbol, (symbol, ""))


def _daily_bars(session: date, day: DayPath, done: float) -> Iterator[Bar]:
    midnight = datetime.combine(session, time(), NEW_YORK).astimezone(UTC)
    yield _bar(midnight, session, day.so_far(done))


def _minute_bars(session: date, day: DayPath, done: float) -> Iterator[Bar]:
    opens = opening(session)
    for minute, stretch in day.minutes(done):
        yield _bar(opens + minute * _MINUTE, session, stretch)


def _bar(start: datetime, session: date, stretch: Stretch) -> Bar:
    return Bar(
        start=start,
        session=session,
        open=stretch.open,
        high=stretch.high,
        low=stretch.low,
        close=stretch.close,
        volume=stretch.volume,
    )


def _read(prices: Path, splits: Path) -> Mapping[str, _History]:
    histories: dict[str, _History] = defaultdict(_History)
    with splits.open(newline="") as rows:
        for row in csv.DictReader(rows):
            session = date.fromisoformat(row["session"])
            histories[row["symbol"]].splits[session] = float(row["ratio"])
    with gzip.open(prices, "rt", newline="") as rows:
        for row in csv.DictReader(rows):
            history = histories[row["Ticker"]]
            history.add(date.fromisoformat(row["Date"]), _day(row))
    return dict(histories)


def _day(row: Mapping[str, str]) -> DayPath:
    return DayPath(
        open=float(row["Open"]),
        high=float(row["High"]),
        low=float(row["Low"]),
        close=float(row["Close"]),
        volume=int(row["Volume"]),
    )
