"""One symbol in one check: what its price did, and which alerts that makes true."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.alerts.arming import Arming
from services.alerts.conditions import Direction
from services.alerts.evidence import Evidence
from services.alerts.index import ArmedIndex, Fresh, Member, Role
from services.alerts.intervals import (
    Interval,
    Reading,
    bars_wanted,
    dated,
    hidden,
    may_have_left,
    may_have_split,
    possible,
)
from services.alerts.paths import from_daily_bars, from_minute_bars, from_readings, unsplit
from services.market.models import Bar, BarInterval, Quote, Split
from services.market.provider import Provider

MINUTE = timedelta(minutes=1)


class SymbolCheck:
    """Claims what came true for `quote`'s symbol since `previous`, the reading of the last check.

    Without one (Redis was emptied) it goes on from `caught_up` (market time); with neither,
    the symbol was never checked, and only its fresh alerts' own baselines count.

    Between its two steps the caller keeps the present reading: a fresh alert that joins the
    settled ones must never be judged by a reading from before it was set.
    """

    def __init__(
        self,
        provider: Provider,
        index: ArmedIndex,
        arming: Arming,
        quote: Quote,
        previous: Reading | None,
        caught_up: datetime | None,
        now: datetime,
    ) -> None:
        self._provider = provider
        self._index = index
        self._arming = arming
        self._quote = quote
        self._symbol = quote.symbol
        self._present = Reading.of(quote)
        self._previous = previous
        self._caught_up = caught_up
        self._now = now
        self._splits: list[Split] = []
        self._bars: dict[BarInterval, tuple[datetime, list[Bar]]] = {}

    def check_settled(self) -> int:
        """Returns how many alerts were claimed of those that an earlier check has seen. Raises
        MarketError when bars that are needed cannot be had; then nothing counts as checked."""
        self._apply_splits()
        interval = self._interval()
        if interval is None:
            return 0
        for member, direction, level in self._index.crossed_back(self._symbol, interval):
            self._arm(member, direction, level, interval, None)
        return self._index.claim(self._evidence(interval))

    def check_fresh(self) -> int:
        """Returns how many alerts were claimed of those set since the last check. Raises
        MarketError as above; then those not yet judged stay fresh."""
        for name, fresh in self._fresh("waiting"):
            interval = self._since_baseline(fresh)
            if interval.left(fresh.direction, fresh.level):
                baseline = self._in_present_shares(fresh.baseline)
                self._arm(Member.parse(name), fresh.direction, fresh.level, interval, baseline)
            else:
                self._settle(name, fresh)
        claimed = 0
        for name, fresh in self._fresh("armed"):
            interval = self._since_baseline(fresh)
            if interval.touch(fresh.direction, fresh.level):
                claimed += self._index.claim_fresh(name, self._evidence(interval))
            else:
                self._settle(name, fresh)
        return claimed

    def _apply_splits(self) -> None:
        """Move levels before anything is compared (rule 9)."""
        known = [fresh.baseline for fresh in self._index.fresh(self._symbol).values()]
        since = [reading.as_of for reading in known]
        doubtful = any(may_have_split(reading, self._present) for reading in known)
        if self._previous:
            since.append(self._previous.as_of)
            doubtful = doubtful or may_have_split(self._previous, self._present)
        elif self._caught_up and self._index.settled(self._symbol):
            since.append(self._caught_up)
            doubtful = True
        if not doubtful:
            return
        self._splits = self._provider.splits(self._symbol, min(since), self._now)
        for split in self._splits:
            self._arming.adjust_for_split(split)
        if self._previous:
            self._previous = self._in_present_shares(self._previous)

    def _in_present_shares(self, reading: Reading) -> Reading:
        for split in self._splits:
            if split.session > reading.session:
                reading = reading.scaled(split.ratio)
        return reading

    def _interval(self) -> Interval | None:
        """What the price did since the last check; None when no alert was there to see it."""
        previous, since = self._previous, self._caught_up
        if not self._index.settled(self._symbol):
            return None
        if previous is None:
            if since is None or since >= self._present.as_of:
                return None
            return self._from_bars(since, None)
        seen, unseen = dated(previous, self._present), possible(previous, self._present)
        if self._index.undecided(self._symbol, seen, unseen):
            return self._from_bars(previous.as_of, previous)
        return from_readings(previous, self._present).of_price()

    def _from_bars(
        self, since: datetime, previous: Reading | None, *, only_after: bool = False
    ) -> Interval:
        wanted = bars_wanted(since, self._present.as_of)
        bars = unsplit(self._bars_since(wanted, since), self._splits)
        if wanted == "1d":
            return from_daily_bars(since, previous, bars, self._present).of_price()
        path = from_minute_bars(since, previous, bars, self._present, only_after=only_after)
        return path.of_price()

    def _bars_since(self, wanted: BarInterval, since: datetime) -> list[Bar]:
        """Fetched once, and again only from an earlier time on."""
        start, bars = self._bars.get(wanted, (None, []))
        if start is None or since < start:
            bars = self._provider.bars(self._symbol, wanted, since, self._now)
            self._bars[wanted] = (since, bars)
        return bars

    def _arm(
        self,
        member: Member,
        direction: Direction,
        level: float,
        interval: Interval,
        baseline: Reading | None,
    ) -> None:
        """Arm a waiting alert from where the price left its level, so that a way back rings.

        Where the present price is not the way back itself, bars tell whether there was one.
        """
        if not _reached(direction, level, self._present.price):
            start = baseline or self._previous
            interval = self._from_bars(interval.since, start, only_after=baseline is not None)
        left = self._where_left(direction, level, interval)
        if not self._arming.arm_waiting(member, left, interval.since, self._now):
            self._index.drop(self._symbol, member)

    def _where_left(self, direction: Direction, level: float, interval: Interval) -> Reading:
        """The reading after the minute in which the price left the level's side. No extreme that
        is known by now counts as new since."""
        step, present = interval.left(direction, level), self._present
        assert step is not None
        as_of = min(step.at + MINUTE, present.as_of)
        return present.model_copy(
            update={
                "price": step.value,
                "as_of": as_of,
                "session": as_of.astimezone(ZoneInfo(self._quote.timezone)).date(),
                "session_over": False,
                "day_high": max(interval.high, present.day_high),
                "day_low": min(interval.low, present.day_low),
            }
        )

    def _settle(self, name: str, fresh: Fresh) -> None:
        """From the next minute on: bars of the one in which it was set hold its past as well."""
        if self._present.as_of.replace(second=0, microsecond=0) >= fresh.baseline.as_of:
            self._index.settle(self._symbol, name, fresh)

    def _fresh(self, role: Role) -> list[tuple[str, Fresh]]:
        """Fresh alerts that this quote tells something new about, the oldest first; others stay."""
        found = [
            (name, fresh)
            for name, fresh in self._index.fresh(self._symbol).items()
            if fresh.role == role and self._is_news(fresh.baseline)
        ]
        return sorted(found, key=lambda entry: entry[1].baseline.as_of)

    def _is_news(self, baseline: Reading) -> bool:
        present = self._present
        if (baseline.currency, baseline.source) != (present.currency, present.source):
            return False
        if baseline.as_of == present.as_of:
            return baseline.price != present.price
        return baseline.as_of < present.as_of

    def _since_baseline(self, fresh: Fresh) -> Interval:
        baseline = self._in_present_shares(fresh.baseline)
        seen, unseen = dated(baseline, self._present), possible(baseline, self._present)
        unsure = hidden if fresh.role == "armed" else may_have_left
        if unsure(fresh.level, seen, unseen):
            return self._from_bars(baseline.as_of, baseline, only_after=True)
        return from_readings(baseline, self._present).of_price()

    def _evidence(self, interval: Interval) -> Evidence:
        return Evidence(
            symbol=self._symbol,
            metric="price",
            interval=interval,
            present=self._present,
            noticed_at=self._now,
        )


def _reached(direction: Direction, level: float, price: float) -> bool:
    return price >= level if direction == "rise" else price <= level
