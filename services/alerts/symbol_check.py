"""One symbol in one check: what its price did, and which alerts that makes true."""

from datetime import datetime

from services.alerts.arming import Arming
from services.alerts.conditions import Direction
from services.alerts.index import ArmedIndex, Evidence, Fresh, Member
from services.alerts.intervals import (
    Interval,
    Reading,
    bars_wanted,
    dated,
    from_daily_bars,
    from_minute_bars,
    from_readings,
    hidden,
    may_have_split,
    possible,
    unsplit,
)
from services.market.models import Quote, Split
from services.market.provider import Provider


class SymbolCheck:
    """Claims what came true for `quote`'s symbol since `previous`, the reading of the last check.

    Without one (Redis was emptied) it goes on from `checked_until` (market time); with neither,
    the symbol was never checked, and only its fresh alerts' own baselines count.
    """

    def __init__(
        self,
        provider: Provider,
        index: ArmedIndex,
        arming: Arming,
        quote: Quote,
        previous: Reading | None,
        checked_until: datetime | None,
        now: datetime,
    ) -> None:
        self._provider = provider
        self._index = index
        self._arming = arming
        self._quote = quote
        self._symbol = quote.symbol
        self._present = Reading.of(quote)
        self._previous = previous
        self._checked_until = checked_until
        self._now = now
        self._splits: list[Split] = []

    def run(self) -> int:
        """Returns how many alerts were claimed. Raises MarketError when bars that are needed
        cannot be had; then nothing of this symbol may count as checked."""
        self._apply_splits()
        interval = self._interval()
        claimed = 0
        if interval is not None:
            for member, direction in self._index.crossed_back(self._symbol, interval):
                self._arm(member, direction, interval)
            claimed = self._index.claim(self._evidence(interval))
        return claimed + self._check_fresh()

    def _apply_splits(self) -> None:
        """Move levels before anything is compared (rule 9)."""
        baselines = [fresh.baseline for fresh in self._index.fresh(self._symbol).values()]
        known = self._previous or min(baselines, key=lambda reading: reading.as_of, default=None)
        since = known.as_of if known else self._checked_until
        if since is None or not may_have_split(known, self._present):
            return
        self._splits = self._provider.splits(self._symbol, since, self._now)
        for split in self._splits:
            self._arming.adjust_for_split(split)
            if self._previous:
                self._previous = self._previous.scaled(split.ratio)

    def _interval(self) -> Interval | None:
        """What the price did since the last check; None when no alert was there to see it."""
        previous, since = self._previous, self._checked_until
        if not self._index.settled(self._symbol):
            return None
        if previous is None:
            if since is None or since >= self._present.as_of:
                return None
            return self._from_bars(since, None)
        seen, unseen = dated(previous, self._present), possible(previous, self._present)
        if self._index.undecided(self._symbol, seen, unseen):
            return self._from_bars(previous.as_of, previous)
        return from_readings(previous, self._present)

    def _from_bars(
        self, since: datetime, previous: Reading | None, *, only_after: bool = False
    ) -> Interval:
        wanted = bars_wanted(since, self._present.as_of)
        bars = unsplit(self._provider.bars(self._symbol, wanted, since, self._now), self._splits)
        if wanted == "1d":
            return from_daily_bars(since, previous, bars, self._present)
        return from_minute_bars(since, previous, bars, self._present, only_after=only_after)

    def _arm(self, member: Member, direction: Direction, interval: Interval) -> None:
        """Arm a waiting alert from the far side on, so that a way back rings in this check."""
        far = interval.low if direction == "rise" else interval.high
        baseline = self._present.model_copy(update={"price": far})
        if not self._arming.arm_waiting(member, baseline, self._now):
            self._index.drop(self._symbol, member)

    def _check_fresh(self) -> int:
        for name, fresh in self._fresh("waiting"):
            interval = self._since_baseline(fresh)
            if _left_level(fresh, interval):
                self._arm(Member.parse(name), fresh.direction, interval)
            else:
                self._index.settle(self._symbol, name, fresh)
        claimed = 0
        for name, fresh in self._fresh("armed"):
            interval = self._since_baseline(fresh)
            if interval.touch(fresh.direction, fresh.level):
                claimed += self._index.claim_fresh(name, self._evidence(interval))
            else:
                self._index.settle(self._symbol, name, fresh)
        return claimed

    def _fresh(self, role: str) -> list[tuple[str, Fresh]]:
        """Fresh alerts whose baseline this quote can be compared with; others stay fresh."""
        return [
            (name, fresh)
            for name, fresh in self._index.fresh(self._symbol).items()
            if fresh.role == role
            and fresh.baseline.as_of <= self._present.as_of
            and fresh.baseline.currency == self._present.currency
        ]

    def _since_baseline(self, fresh: Fresh) -> Interval:
        baseline = fresh.baseline
        seen, unseen = dated(baseline, self._present), possible(baseline, self._present)
        if hidden(fresh.level, seen, unseen):
            return self._from_bars(baseline.as_of, baseline, only_after=True)
        return from_readings(baseline, self._present)

    def _evidence(self, interval: Interval) -> Evidence:
        return Evidence(
            symbol=self._symbol,
            currency=self._quote.currency,
            source=self._quote.source,
            noticed_at=self._now,
            interval=interval,
        )


def _left_level(fresh: Fresh, interval: Interval) -> bool:
    """Whether the price was on the side from which the alert's level can be reached."""
    if fresh.direction == "rise":
        return interval.low < fresh.level
    return interval.high > fresh.level
