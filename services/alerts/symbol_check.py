"""One symbol in one check: what it did, and which alerts that makes true."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from redis import WatchError

from services.alerts import trailing
from services.alerts.arming import Arming
from services.alerts.conditions import Direction
from services.alerts.evidence import Evidence
from services.alerts.index import ArmedIndex, Fresh, Member, Probe, Role
from services.alerts.intervals import (
    MINUTE_BARS_REACH,
    Interval,
    Reading,
    Step,
    bars_wanted,
    hidden,
    may_have_left,
    may_have_split,
    possible,
)
from services.alerts.paths import (
    DAY,
    MINUTE,
    Path,
    Track,
    from_daily_bars,
    from_minute_bars,
    from_readings,
    interval_of,
    may_reach,
    unsplit,
    where_left,
)
from services.alerts.scene import MOVES, TRAILING, Scene, Spans, family_of, window_start
from services.market.models import BarInterval, Quote, Split
from services.market.provider import Provider

SETTLED_AT_ONCE = 500
"""So many judged alerts at the most are judged again where a worker dies."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a check acts with."""

    provider: Provider
    index: ArmedIndex
    arming: Arming


class SymbolCheck:
    """Claims what came true for `quote`'s symbol since `previous`, the reading of the last check.

    Without one (Redis was emptied) it goes on from `caught_up` (market time); with neither,
    the symbol was never checked, and only its fresh alerts' own baselines count.

    `building` is the index that it looks at. Between its two steps the caller keeps the present
    reading, together with `peaks`: a fresh alert that joins the settled ones must never be judged
    by a reading from before it was set.
    """

    def __init__(
        self,
        tools: Tools,
        quote: Quote,
        scene: Scene,
        metrics: Sequence[str],
        previous: Reading | None,
        caught_up: datetime | None,
        building: bytes,
        now: datetime,
    ) -> None:
        self._provider = tools.provider
        self._index = tools.index
        self._arming = tools.arming
        self._quote = quote
        self._symbol = quote.symbol
        self._scene = scene
        self._metrics = metrics
        self._present = scene.present
        self._previous = previous
        self._caught_up = caught_up
        self._building = building
        self._now = now
        self._splits: list[Split] = []
        self._ratio = 1.0
        self._tracks: dict[tuple[BarInterval, bool], tuple[datetime, Track]] = {}
        self._settled: dict[str, tuple[Fresh, float | None]] = {}
        self.peaks: dict[str, dict[float, float]] = {}
        """By trailing metric: the peak that each cohort had, and the one that it has now."""

    # Alerts that an earlier check has seen

    def check_settled(self) -> int:
        """Returns how many alerts were claimed of those that an earlier check has seen. Raises
        MarketError when bars that are needed cannot be had; then nothing counts as checked."""
        self._apply_splits()
        start, since = self._previous, self._caught_up
        if start is None and (since is None or since >= self._present.as_of):
            return 0
        settled = (
            self._index.settled(self._symbol, self._metrics) if start is None else self._metrics
        )
        metrics = [metric for metric in self._metrics if metric in settled]
        return sum(
            self._check_trailing(metric) if metric in TRAILING else self._check_metric(metric)
            for metric in metrics
        )

    def _check_metric(self, metric: str) -> int:
        path = self._path(metric)
        points = self._scene.points(metric, path) if path else []
        if path is None or not points:
            return 0
        interval = interval_of(path.since, self._present, points)
        crossed = self._index.crossed_back(self._symbol, metric, interval)
        # Those of an index built meanwhile may have been set after this path began.
        if crossed and self._index.building(self._provider.name) != self._building:
            raise WatchError("The index was built anew meanwhile")
        for member, direction, level in crossed:
            self._arm(member, metric, direction, level, path, None)
        evidence = self._evidence(metric, interval)
        return self._index.claim(evidence, building=self._building)

    def _path(self, metric: str) -> Path | None:
        """What the price did since the last check; None when that concerns no alert."""
        start = self._previous
        if start is None:
            assert self._caught_up is not None
            return self._from_bars(metric, self._caught_up, None)
        spans = self._scene.spans(metric, start)
        if spans is None:
            return None
        verdict = self._index.probe(Probe(self._symbol, metric, *spans))
        if verdict.undecided:
            return self._from_bars(metric, start.as_of, start)
        return self._scene.between(metric, start) if verdict.reached or verdict.crossed else None

    def _check_trailing(self, metric: str) -> int:
        claimed, moved = 0, {}
        for peak, lowest in self._index.peaks(self._symbol, metric).items():
            path, began = self._trailing_path(metric, peak, lowest)
            walk = trailing.walk(path.walk(), began, metric)
            moved[peak] = walk.extreme
            if walk.steps and walk.steps[-1].value >= lowest:
                evidence = self._evidence(metric, _of_steps(path, walk.steps), walk.extreme)
                claimed += self._index.claim(evidence, peak, self._building)
        self.peaks[metric] = moved
        return claimed

    def _trailing_path(self, metric: str, peak: float, lowest: float) -> tuple[Path, float]:
        """The path for the alerts of a peak, the lowest of which has a level of `lowest`; and
        that peak in present shares."""
        start = self._previous
        if start is None:
            assert self._caught_up is not None
            began = peak / self._ratio_since(self._caught_up)
            return self._from_bars(metric, self._caught_up, None), began
        path, began = from_readings(start, self._present), peak / self._ratio
        certain, most, new_peak = self._trailing_bounds(metric, path, start, began)
        if new_peak or (most >= lowest and most > certain):
            path = self._from_bars(metric, start.as_of, start)
        return path, began

    def _trailing_bounds(
        self, metric: str, path: Path, start: Reading, peak: float
    ) -> tuple[float, float, bool]:
        """What is certain, what may be, and whether a new peak may be hidden."""
        walk = trailing.walk(path.walk(), peak, metric)
        certain = walk.steps[-1].value if walk.steps else 0.0
        unseen = trailing.possible(walk.extreme, possible(start, self._present), metric)
        return certain, unseen.most, unseen.new_extreme

    # Alerts set since

    def check_fresh(self) -> int:
        """Returns how many alerts were claimed of those set since the last check. Raises
        MarketError as above; then those not yet judged stay fresh."""
        try:
            for name, fresh in self._fresh("waiting"):
                self._judge_waiting(name, fresh)
            return sum(self._judge_armed(name, fresh) for name, fresh in self._fresh("armed"))
        finally:
            self._settle_judged()

    def _judge_waiting(self, name: str, fresh: Fresh) -> None:
        path = self._since_baseline(fresh)
        points = self._scene.points(fresh.metric, path) if path else []
        if path and where_left(points, fresh.direction, fresh.level):
            baseline = self._in_present_shares(fresh.baseline)
            member = Member.parse(name)
            self._arm(member, fresh.metric, fresh.direction, fresh.level, path, baseline)
        else:
            self._settle(name, fresh)

    def _judge_armed(self, name: str, fresh: Fresh) -> int:
        if fresh.metric in TRAILING:
            return self._judge_trailing(name, fresh)
        path = self._since_baseline(fresh)
        points = self._scene.points(fresh.metric, path) if path else []
        if path and may_reach(points, fresh.direction, fresh.level):
            interval = interval_of(path.since, self._present, points)
            if interval.touch(fresh.direction, fresh.level):
                evidence = self._evidence(fresh.metric, interval)
                return int(self._index.claim_fresh(name, evidence))
        self._settle(name, fresh)
        return 0

    def _judge_trailing(self, name: str, fresh: Fresh) -> int:
        start = self._in_present_shares(fresh.baseline)
        path = from_readings(start, self._present)
        certain, most, new_peak = self._trailing_bounds(fresh.metric, path, start, start.price)
        if new_peak or fresh.rests_after or certain < fresh.level <= most:
            path = self._from_bars(fresh.metric, start.as_of, start, only_after=True)
        moves, rests = path.walk(), fresh.rests_after
        resting = [move for move in moves if rests is not None and move.session <= rests]
        peak = trailing.walk(resting, start.price, fresh.metric).extreme
        walk = trailing.walk(moves[len(resting) :], peak, fresh.metric)
        if walk.steps and walk.steps[-1].value >= fresh.level:
            evidence = self._evidence(fresh.metric, _of_steps(path, walk.steps), walk.extreme)
            return int(self._index.claim_fresh(name, evidence))
        self._settle(name, fresh, walk.extreme)
        return 0

    def _since_baseline(self, fresh: Fresh) -> Path | None:
        """The path since the alert was set; None where the metric has no value."""
        start = self._in_present_shares(fresh.baseline)
        spans = self._scene.spans(fresh.metric, start, fresh.rests_after)
        if spans is None:
            return None
        if self._is_unsure(fresh, spans):
            path = self._from_bars(fresh.metric, start.as_of, start, only_after=True)
        else:
            path = self._scene.between(fresh.metric, start)
        return path.after(fresh.rests_after)

    def _is_unsure(self, fresh: Fresh, spans: Spans) -> bool:
        """Whether only bars tell. A baseline is no whole reading of the day, as windows need."""
        if family_of(fresh.metric) in MOVES:
            return spans.possible.high >= fresh.level
        unsure = hidden if fresh.role == "armed" else may_have_left
        return unsure(fresh.level, *spans)

    def _fresh(self, role: Role) -> list[tuple[str, Fresh]]:
        """Fresh alerts that this quote tells something new about, the oldest first; others stay."""
        found = [
            (name, fresh)
            for name, fresh in self._index.fresh(self._symbol).items()
            if fresh.role == role and self._is_news(fresh)
        ]
        return sorted(found, key=lambda entry: entry[1].baseline.as_of)

    def _is_news(self, fresh: Fresh) -> bool:
        present, baseline = self._present, fresh.baseline
        if (baseline.currency, baseline.source) != (present.currency, present.source):
            return False
        if fresh.rests_after is not None and present.session <= fresh.rests_after:
            return False
        if fresh.metric == "price+extended":
            baseline, present = baseline.extended(), present.extended()
        if baseline.as_of == present.as_of:
            return baseline.price != present.price or family_of(fresh.metric) == "earnings"
        return baseline.as_of < present.as_of

    def _settle(self, name: str, fresh: Fresh, peak: float | None = None) -> None:
        """From the next minute on: bars of the one in which it was set hold its past as well."""
        if self._present.as_of.replace(second=0, microsecond=0) >= fresh.baseline.as_of:
            self._settled[name] = (fresh, peak)
        if len(self._settled) >= SETTLED_AT_ONCE:
            self._settle_judged()

    def _settle_judged(self) -> None:
        """What a successor need not judge again, as the caller keeps the present reading.

        In an index that was built since, beside which there is none, they stay fresh.
        """
        if not self._settled:
            return
        with self._index.only_on(self._building) as pipe:
            self._index.settle_all(self._symbol, self._settled, pipe)
        self._settled = {}

    # Waiting alerts

    def _arm(
        self,
        member: Member,
        metric: str,
        direction: Direction,
        level: float,
        path: Path,
        baseline: Reading | None,
    ) -> None:
        """Arm a waiting alert from where the metric left its level, so that a way back rings.

        Where the present value is not the way back itself, bars tell whether there was one.
        """
        value = self._scene.value(metric)
        if value is None or not _reached(direction, level, value):
            start, rests = baseline or self._previous, path.rests_after
            only_after = baseline is not None
            path = self._from_bars(metric, path.since, start, only_after=only_after).after(rests)
        left = self._where_left(metric, direction, level, path)
        if left and not self._arming.arm_waiting(member, level, left, path.since, self._now):
            self._index.drop(self._symbol, metric, member, level)

    def _where_left(
        self, metric: str, direction: Direction, level: float, path: Path
    ) -> Reading | None:
        """The reading after the minute in which the metric left the level's side (the day, where
        only days are known), in the shares of its session and with its extremes so far."""
        point = where_left(self._scene.points(metric, path), direction, level)
        if point is None:
            return None
        # A day does not tell whether what left the level came before what reached it: it ends.
        by_day, present = path.is_day(point.at), self._present
        beyond = point.low_price if direction == "rise" else point.high_price
        price = point.close_price if by_day else beyond
        day = path.day_until(point.at, point.session)
        later = [split.ratio for split in self._splits if split.session > point.session]
        left = present.model_copy(
            update={
                "price": price,
                "as_of": min(point.at + (DAY if by_day else MINUTE), present.as_of),
                "session": point.session,
                "session_over": by_day,
                "day_high": max(day.high, price),
                "day_low": min(day.low, price),
                "volume": None,
            }
        )
        return left.scaled(1 / math.prod(later))

    # Splits and bars

    def _apply_splits(self) -> None:
        """Move levels before anything is compared (rule 9)."""
        known = [fresh.baseline for fresh in self._index.fresh(self._symbol).values()]
        since = [reading.as_of for reading in known]
        doubtful = any(may_have_split(reading, self._present) for reading in known)
        if self._previous:
            since.append(self._previous.as_of)
            doubtful = doubtful or may_have_split(self._previous, self._present)
        elif self._caught_up and self._index.settled(self._symbol, self._metrics):
            since.append(self._caught_up)
            doubtful = True
        if not doubtful:
            return
        self._splits = self._provider.splits(self._symbol, min(since), self._now)
        for split in self._splits:
            self._arming.adjust_for_split(split, self._now)
        if self._previous:
            self._ratio = self._ratio_since(self._previous.as_of)
            self._previous = self._in_present_shares(self._previous)

    def _ratio_since(self, moment: datetime) -> float:
        """New shares for each one of that time."""
        day = self._day(moment)
        return math.prod(split.ratio for split in self._splits if split.session > day)

    def _in_present_shares(self, reading: Reading) -> Reading:
        for split in self._splits:
            if split.session > reading.session:
                reading = reading.scaled(split.ratio)
        return reading

    def _from_bars(
        self, metric: str, since: datetime, previous: Reading | None, *, only_after: bool = False
    ) -> Path:
        extended = metric == "price+extended"
        present = self._present.extended() if extended else self._present
        first = self._window_start(metric, since)
        wanted = bars_wanted(first, present.as_of)
        if previous is None:  # what the day had seen before then is not known otherwise
            first = max(self._midnight(first), min(first, present.as_of - MINUTE_BARS_REACH))
        track = self._track(wanted, first, extended)
        if wanted == "1d":
            days = track.from_session(self._day(first)).moves
            minutes = self._whole_days_in_minutes(extended)
            return from_daily_bars(since, previous, days, present, minutes)
        if family_of(metric) in MOVES:
            # Of earlier days another metric may have wanted no more than a part, which would
            # pass for a whole day in a window of days.
            track = track.from_session(self._day(first))
        return from_minute_bars(since, previous, track, present, only_after=only_after)

    def _whole_days_in_minutes(self, extended: bool) -> Track:
        """The minutes of every session since the first one that sources still have whole."""
        reach = self._present.as_of - MINUTE_BARS_REACH
        return self._track("1m", reach, extended).from_session(self._day(reach) + DAY)

    def _window_start(self, metric: str, since: datetime) -> datetime:
        """From when on bars must be had, so that a window that ends at `since` is full."""
        if family_of(metric) not in MOVES:
            return since
        return window_start(metric, since) or self._midnight(since)

    def _midnight(self, moment: datetime) -> datetime:
        """When the day of that moment began where the symbol is traded."""
        zone = ZoneInfo(self._quote.timezone)
        return datetime.combine(self._day(moment), time(), zone).astimezone(moment.tzinfo)

    def _track(self, wanted: BarInterval, since: datetime, extended: bool) -> Track:
        """All bars that end after `since`, or more. Fetched once, and again only from an earlier
        time on."""
        known = self._tracks.get((wanted, extended))
        if known is None or since < known[0]:
            traded = self._provider.bars(self._symbol, wanted, since, self._now, extended=extended)
            known = since, Track.of(unsplit(traded, self._splits))
            self._tracks[wanted, extended] = known
        return known[1]

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self._quote.timezone)).date()

    def _evidence(self, metric: str, interval: Interval, peak: float | None = None) -> Evidence:
        return Evidence.of(self._symbol, metric, interval, self._present, self._now, peak)


def _of_steps(path: Path, steps: Sequence[Step]) -> Interval:
    """The interval that a drawdown covered; it began at nothing."""
    start = Step(at=path.since, value=min(0.0, steps[0].value))
    return Interval(since=path.since, until=path.present.as_of, rises=tuple(steps), falls=(start,))


def _reached(direction: Direction, level: float, value: float) -> bool:
    return value >= level if direction == "rise" else value <= level
