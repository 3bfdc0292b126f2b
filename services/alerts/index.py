"""The armed alerts in Redis, by level, so that a check reads none from the store.

For each symbol S and metric M, `armed:S:M:rise` and `...:fall` are ladders (ladder.py) of alerts
by level, `waiting:S:M:rise` and `...:fall` those that wait for the metric to be on the other
side. Trailing alerts stand in cohorts, those of one peak together: `armed:S:M@7:rise`, the peak
being the score of 7 in `peaks:S:M`. `fresh:S` is a hash of alerts set since the last check, each
with its own baseline, `armed:fresh` the symbols that have some, `armed:watched` what is in use.

The index may hold an alert that is armed no more: whoever claims it finds that out from the
store and drops it. It must never lack one. So a writer marks the alert before it writes the
store and unmarks it after the index has followed; a check lets the index follow what was left
marked, and rebuilds all of it after Redis was emptied or restarted.
"""

import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice, product
from math import inf
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from uuid import uuid4

from redis import Redis
from redis.client import Pipeline
from redis.commands.core import Script
from redis.exceptions import WatchError

from services.alerts.ahead import answers
from services.alerts.conditions import Direction
from services.alerts.entries import (
    DIRECTIONS,
    QUIET,
    ROLES,
    Fresh,
    Held,
    Member,
    Probe,
    Role,
    Standing,
    Verdict,
    role_of,
)
from services.alerts.evidence import Evidence
from services.alerts.intervals import Interval, Reading, Span
from services.alerts.ladder import level_text, pairs_of, script_of
from services.redis_client import text_of
from services.store.alerts import Alert

__all__ = [
    "DIRECTIONS",
    "FIRED",
    "QUIET",
    "ArmedIndex",
    "Filling",
    "Fresh",
    "Held",
    "Member",
    "Probe",
    "Role",
    "Standing",
    "Verdict",
]
WATCHED, FRESH, MARKED, BUILT_FOR = (
    "armed:watched",
    "armed:fresh",
    "armed:marked",
    "armed:built-for",
)
FIRED = "fired"
SHAPE = "2"
"""Of the keys and values above; another one makes every check rebuild what an older one wrote."""
MARK_HOLDS = timedelta(minutes=10)
DAY = timedelta(days=1)
CLAIM_BATCH = 2_000
CLAIMS_A_CALL = 100
PROBES_A_CALL = 1_000
PIPELINE = 1_000
REBUILD_CHUNK = 100_000
TRAILING = ("drawdown", "run-up")

Place = Literal["settled", "fresh"]
_PLACES: Final[tuple[Place | None, ...]] = (None, "settled", "fresh")
Pair: TypeAlias = tuple[str, str]
"""A symbol and a metric."""
_EDGES: Final = "<dddd"
_NO_EDGES: Final = struct.pack(_EDGES, inf, -inf, -inf, inf)


class _Edges(NamedTuple):
    """Of the four ladders of a pair, the levels that are reached (crossed) first."""

    armed_rise: float
    armed_fall: float
    waiting_rise: float
    waiting_fall: float

    def verdict_on(self, seen: Span) -> Verdict:
        return Verdict(
            reached=self.armed_rise <= seen.high or self.armed_fall >= seen.low,
            crossed=self.waiting_rise > seen.low or self.waiting_fall < seen.high,
            undecided=False,
        )


class ArmedIndex:
    """Alerts by level. All methods may raise redis.RedisError; each change is one atomic step."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._scripts: dict[str, Script] = {}

    def _run(self, name: str, *args: str | int | bytes, pipe: "Pipeline | None" = None) -> Any:
        return self._script(name)(args=list(args), client=pipe)

    def _script(self, name: str) -> Script:
        if name not in self._scripts:
            self._scripts[name] = script_of(self._redis, "index", f"index_{name}")
        return self._scripts[name]

    # Following the store

    def mark(self, uid: str, alert_id: str, now: datetime) -> None:
        """Say that this alert is about to change in the store."""
        self._redis.zadd(MARKED, {f"{uid}/{alert_id}": now.timestamp()})

    def marked(self) -> list[tuple[str, str]]:
        """(uid, alert id) of alerts that the index may not have followed."""
        pairs = (text_of(entry).split("/") for entry in self._redis.zrange(MARKED, 0, -1))
        return [(uid, alert_id) for uid, alert_id in pairs]

    def unmark(self, uid: str, alert_id: str) -> None:
        self._redis.zrem(MARKED, f"{uid}/{alert_id}")

    def unmark_before(self, now: datetime) -> None:
        """Drop marks so old that their writer is done or dead."""
        self._redis.zremrangebyscore(MARKED, "-inf", (now - MARK_HOLDS).timestamp())

    def follow(self, after: Alert, before: Alert | None = None, *, thorough: bool = False) -> None:
        """Hold `after` as its state says, and `before` no more; if `thorough`, look for them
        not just where they should stand."""
        gone = {str(Member.of(alert)): alert for alert in (after, before) if alert}
        drops = (
            (
                alert.symbol,
                alert.condition.target.metric,
                name,
                "" if thorough else level_text(alert.watched_level),
            )
            for name, alert in gone.items()
        )
        self._run("hold", *_held_fresh(after), *chain.from_iterable(drops))

    def follow_rung(self, alerts: Iterable[Alert]) -> None:
        """Hold alerts that a claim took out of the index at their epoch before; many at once."""
        with self._redis.pipeline(transaction=False) as pipe:
            for alert in alerts:
                if (fresh := _held_fresh(alert))[0]:
                    self._run("hold", *fresh, pipe=pipe)
            pipe.execute()

    def ensure(self, alert: Alert) -> None:
        """Hold an alert as its state says, but leave alone what stands right."""
        if alert.state not in ("armed", "waiting") or not self.places([alert])[0]:
            self.follow(alert)

    def places(self, alerts: Sequence[Alert]) -> list[Place | None]:
        """Where each armed or waiting alert stands; None where it is not as the store has it."""
        args = (
            (a.symbol, t.metric, role_of(a), t.direction, level_text(a.watched_level), Member.of(a))
            for a in alerts
            for t in [a.condition.target]
        )
        return [_PLACES[n] for n in self._run("places", *map(str, chain.from_iterable(args)))]

    def relevel(self, alert: Alert, before: Alert | None = None) -> None:
        """Move an alert to its new level, wherever it stands; `before` tells where that is."""
        old = level_text(before.watched_level) if before else ""
        member, metric = str(Member.of(alert)), alert.condition.target.metric
        text = _fresh(alert) if alert.baseline else ""
        self._run(
            "relevel", alert.symbol, metric, member, old, level_text(alert.watched_level), text
        )

    def drop(self, symbol: str, metric: str, member: Member, level: float | None = None) -> None:
        """Hold this arming of an alert no more; its level tells where it is."""
        hint = "" if level is None else level_text(level)
        self._run("hold", "", "", "", "", symbol, metric, str(member), hint)

    def forget_if_empty(self, symbol: str, metric: str) -> None:
        """Stop watching what no alert waits on. Every removal does so by itself."""
        self._run("note", _base(symbol, metric))

    # Rebuilding

    def is_built_for(self, market: str) -> bool:
        """Whether the index was built for this market, in this shape, since Redis started."""
        return self.building(market) is not None

    def building(self, market: str) -> bytes | None:
        """The name of the index as it was last built; None where it must be built anew."""
        name: Any = self._redis.get(BUILT_FOR)
        return name if name and name.startswith(self._stamp(market)) else None

    def guard(self, building: bytes, pipe: "Pipeline") -> None:
        """Begin a transaction on `pipe` that takes effect only on that building of the index.

        Raises WatchError, here or when it is executed, where Redis was emptied meanwhile.
        """
        pipe.watch(BUILT_FOR)  # type: ignore[no-untyped-call]
        if pipe.get(BUILT_FOR) != building:
            raise WatchError("The index was built anew meanwhile")
        pipe.multi()

    def rebuild(
        self,
        market: str,
        alerts: Iterable[Alert],
        caught_up: Callable[[str], datetime | None],
    ) -> int:
        """Fill the index anew from the store's armed and waiting alerts; returns their number.

        `caught_up` says from when on (market time) the next check will read a symbol's prices.
        Alerts of another market (set on the replay, say, while Yahoo is read) are left out.
        """
        self._clear()
        count, filling = 0, Filling(self)
        for alert in alerts:
            if alert.baseline is None or alert.baseline.source != market:
                continue
            if _starts_fresh(alert, alert.baseline, caught_up(alert.symbol)):
                filling.add_fresh(alert)
            else:
                filling.add_settled(alert)
            count += 1
        filling.flush()
        self._redis.set(BUILT_FOR, self._stamp(market) + uuid4().bytes)
        return count

    def _clear(self) -> None:
        kept = {MARKED, BUILT_FOR}
        for pattern in ("armed:*", "waiting:*", "fresh:*", "peaks:*"):
            batch: list[str] = []
            for key in self._redis.scan_iter(pattern, count=PIPELINE):
                batch.append(text_of(key))
                if len(batch) == PIPELINE:
                    self._redis.unlink(*set(batch) - kept)
                    batch = []
            if rest := set(batch) - kept:
                self._redis.unlink(*rest)

    def _stamp(self, market: str) -> bytes:
        run_id = self._redis.info("server")["run_id"]
        return f"{market} {SHAPE} {run_id} ".encode()

    # Checking

    def watched(self) -> dict[str, list[str]]:
        """The metrics in use of each symbol that some alert waits for, sorted."""
        metrics: dict[str, set[str]] = {}
        for base in self._redis.hkeys(WATCHED):
            symbol, _, metric = text_of(base).partition(":")
            metrics.setdefault(symbol, set()).add(metric.partition("@")[0])
        return {symbol: sorted(metrics[symbol]) for symbol in sorted(metrics)}

    def symbols(self) -> list[str]:
        """Symbols that some alert waits for, sorted."""
        return list(self.watched())

    def fresh_symbols(self) -> set[str]:
        """Symbols that have alerts set since the last check."""
        return {text_of(symbol) for symbol in self._redis.smembers(FRESH)}

    def settled(self, symbol: str, metrics: Sequence[str] | None = None) -> list[str]:
        """Those of a symbol's metrics (spare looking them up: `watched` told them) on which
        alerts stand that an earlier check has seen."""
        if metrics is None:
            metrics = self.watched().get(symbol, [])
        with self._redis.pipeline(transaction=False) as pipe:
            for metric in metrics:
                pipe.hget(WATCHED, _base(symbol, metric))
                pipe.exists(_peaks_key(symbol, metric))
            found = pipe.execute()
        edges_and_peaks = zip(metrics, found[::2], found[1::2], strict=True)
        return [m for m, edges, peaks in edges_and_peaks if edges not in (None, _NO_EDGES) or peaks]

    def probe(self, probes: Sequence[Probe]) -> list[Verdict]:
        """What the settled alerts say to what metrics covered, in the order of the probes."""
        verdicts = [QUIET] * len(probes)
        doubtful = []
        for place, edges in self._not_quiet(probes):
            seen, possible = probes[place].seen, probes[place].possible
            verdicts[place] = edges.verdict_on(seen)
            if seen != possible:
                doubtful.append(place)
        for place in self._undecided(probes, doubtful):
            verdicts[place] = verdicts[place]._replace(undecided=True)
        return verdicts

    def _not_quiet(self, probes: Sequence[Probe]) -> Iterator[tuple[int, "_Edges"]]:
        """The places of probes that come near an edge. Written for speed: most do not."""
        starts = range(0, len(probes), PROBES_A_CALL)
        batches = [probes[start : start + PROBES_A_CALL] for start in starts]
        looks = (["HMGET", WATCHED, *[f"{p[0]}:{p[1]}" for p in batch]] for batch in batches)
        for start, batch, found in zip(starts, batches, answers(self._redis, looks), strict=True):
            edges = struct.iter_unpack(_EDGES, b"".join([one or _NO_EDGES for one in found]))
            for place, ((_, _, seen, possible), numbers) in enumerate(
                zip(batch, edges, strict=True), start
            ):
                rise, fall, waits_rise, waits_fall = numbers
                low, high = seen.low, seen.high
                if low > high:
                    low, high = high, low
                if possible is not seen:
                    low, high = min(low, possible.low), max(high, possible.high)
                if rise <= high or fall >= low or waits_rise >= low or waits_fall <= high:
                    yield place, _Edges(*numbers)

    def _undecided(self, probes: Sequence[Probe], places: Sequence[int]) -> Iterator[int]:
        for start in range(0, len(places), PIPELINE):
            batch = places[start : start + PIPELINE]
            args = (arg for place in batch for arg in _undecided_args(probes[place]))
            found = self._run("undecided", *args)
            yield from (place for place, is_so in zip(batch, found, strict=True) if is_so)

    def claim(self, evidence: Evidence, peak: float | None = None) -> int:
        """Move every alert that the interval reaches into the stream; returns how many."""
        text = _claim(evidence if peak is None else evidence.model_copy(update={"peak": peak}))
        return self._claim_rest(text, 1, 0)

    def claim_all(self, evidences: Sequence[Evidence]) -> int:
        """Move every alert that these intervals reach into the stream; returns how many."""
        starts = range(0, len(evidences), CLAIMS_A_CALL)
        batches = [evidences[start : start + CLAIMS_A_CALL] for start in starts]
        texts = ["" for _ in batches]
        script, total = self._script("claim"), 0

        def steps() -> Iterator[tuple[Any, ...]]:
            yield "SCRIPT", "LOAD", script.script
            for place, batch in enumerate(batches):
                texts[place] = "".join(map(_claim, batch))
                yield "EVALSHA", script.sha, 0, CLAIM_BATCH, texts[place], 0

        for place, (moved, done) in enumerate(islice(answers(self._redis, steps()), 1, None)):
            text, texts[place] = texts[place], ""
            total += moved + self._claim_rest(text, len(batches[place]), done)
        return total

    def _claim_rest(self, claims: str, count: int, done: int) -> int:
        """Make those of the claims that are not done, a full step at a time."""
        total = 0
        while done < count:
            moved, done = self._run("claim", CLAIM_BATCH, claims, done)
            total += moved
        return total

    def crossed_back(self, symbol: str, metric: str, interval: Interval) -> list[Standing]:
        """Waiting alerts whose other side the metric has been on, with their levels."""
        return [
            *self._range("waiting", symbol, metric, "rise", f"({interval.low!r}", "+inf"),
            *self._range("waiting", symbol, metric, "fall", "-inf", f"({interval.high!r}"),
        ]

    def reached_by(
        self, symbol: str, metric: str, interval: Interval, peak: float | None = None
    ) -> list[Standing]:
        """Armed alerts that a claim on this interval would take."""
        low, high = level_text(interval.low), level_text(interval.high)
        return [
            *self._range("armed", symbol, metric, "rise", "-inf", high, peak),
            *self._range("armed", symbol, metric, "fall", low, "+inf", peak),
        ]

    def near(
        self,
        symbol: str,
        metric: str,
        span: Span,
        peak: float | None = None,
        role: Role = "armed",
    ) -> list[Standing]:
        """Settled alerts whose level lies in a span of the metric."""
        low, high = level_text(span.low), level_text(span.high)
        found = (
            self._range(role, symbol, metric, direction, low, high, peak)
            for direction in DIRECTIONS
        )
        return list(chain.from_iterable(found))

    def _range(
        self,
        role: Role,
        symbol: str,
        metric: str,
        direction: Direction,
        low: str,
        high: str,
        peak: float | None = None,
    ) -> list[Standing]:
        base = _base(symbol, metric)
        flat = self._run("range", role, base, _peak(peak), direction, low, high)
        return [Standing(Member.parse(m), direction, level) for m, level in pairs_of(flat)]

    # All that it holds

    def sizes(self) -> tuple[Counter[str], Counter[str]]:
        """How many alerts stand on each symbol, settled and fresh ones."""
        settled, fresh = Counter[str](), Counter[str]()
        bases = [text_of(base) for base in self._redis.hkeys(WATCHED)]
        for start in range(0, len(bases), PIPELINE):
            batch = bases[start : start + PIPELINE]
            for base, size in zip(batch, self._run("sizes", *batch), strict=True):
                settled[base.partition(":")[0]] += size
        for symbol in self.fresh_symbols():
            fresh[symbol] = self._redis.hlen(_fresh_key(symbol))
        return settled, fresh

    def held(self, symbol: str) -> Iterator[Held]:
        """Every alert of a symbol, wherever and however often it stands."""
        for name, one in self.fresh(symbol).items():
            yield Held(Member.parse(name), one.metric, one.role, one.direction, one.level)
        bases = map(text_of, self._redis.hkeys(WATCHED))
        ours = [base for base in bases if base.partition(":")[0] == symbol]
        for base, role, direction in product(ours, ROLES, DIRECTIONS):
            metric = base.partition(":")[2].partition("@")[0]
            for member, level in self._pages(role, base, direction):
                yield Held(Member.parse(member), metric, role, direction, level)

    def _pages(self, role: Role, base: str, direction: Direction) -> Iterator[tuple[str, float]]:
        bound = "-inf"
        while bound:
            page = self._run("page", role, base, direction, bound)
            bound = text_of(page[0])
            yield from pairs_of(page[1:])

    def claimed(self) -> set[str]:
        """Members that are in the stream still."""
        entries: Any = self._redis.xrange(FIRED)
        return {name for _, raw in entries for name in text_of(raw.get(b"alerts", b"")).split()}

    # Peaks of trailing alerts

    def peaks(self, symbol: str, metric: str) -> dict[float, float]:
        """The peaks (troughs) of the cohorts, lowest first, and the lowest level of each."""
        return self.peaks_of([(symbol, metric)]).get((symbol, metric), {})

    def peaks_of(self, pairs: Sequence[Pair]) -> dict[Pair, dict[float, float]]:
        """The same of many; those without cohorts are left out."""
        found: dict[Pair, dict[float, float]] = {}
        for start in range(0, len(pairs), PIPELINE):
            batch = pairs[start : start + PIPELINE]
            flat = self._run("peaks", *(_base(*pair) for pair in batch))
            for place, peak, level in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
                found.setdefault(batch[place], {})[float(peak)] = float(level)
        return found

    def move_peaks(
        self,
        symbol: str,
        metric: str,
        moves: Mapping[float, float],
        pipe: "Pipeline | None" = None,
    ) -> None:
        """Give cohorts new peaks, by their old ones; those that end on one peak become one.

        On a pipeline, it happens when that is executed: the peaks must move together with the
        reading that moved them, or the same way would be walked twice.
        """
        if moves:
            flat = (level_text(peak) for move in moves.items() for peak in move)
            self._run("move_peaks", _base(symbol, metric), *flat, pipe=pipe)

    # Fresh alerts

    def fresh(self, symbol: str) -> dict[str, Fresh]:
        """Alerts set since the last check, by member."""
        entries = self._redis.hgetall(_fresh_key(symbol))
        return {text_of(m): Fresh.model_validate_json(text) for m, text in entries.items()}

    def newest_baseline(self, symbol: str) -> Reading | None:
        """The last reading on which a fresh alert was set."""
        baselines = (fresh.baseline for fresh in self.fresh(symbol).values())
        return max(baselines, key=lambda reading: reading.as_of, default=None)

    def claim_fresh(self, member: str, evidence: Evidence) -> bool:
        """Move a fresh alert into the stream, unless somebody else did."""
        text = evidence.model_dump_json()
        return bool(self._run("claim_fresh", evidence.symbol, evidence.metric, member, text))

    def settle(self, symbol: str, member: str, fresh: Fresh, peak: float | None = None) -> None:
        """Put a fresh alert among the others: from now on the symbol's own readings count."""
        self.settle_all(symbol, {member: (fresh, peak)})

    def settle_all(
        self,
        symbol: str,
        entries: Mapping[str, tuple[Fresh, float | None]],
        pipe: "Pipeline | None" = None,
    ) -> None:
        """The same of many, each with its peak if it is a trailing one."""
        names = list(entries)
        for start in range(0, len(names), PIPELINE):
            flat = (
                (f.metric, name, f.role, f.direction, level_text(f.level), _peak(peak))
                for name in names[start : start + PIPELINE]
                for f, peak in [entries[name]]
            )
            self._run("settle", symbol, *chain.from_iterable(flat), pipe=pipe)


class Filling:
    """Alerts on their way into the index, many at a time."""

    def __init__(self, index: ArmedIndex) -> None:
        self._index = index
        self._ladders: dict[tuple[Role, str, Direction], list[tuple[float, str]]] = {}
        self._settled = 0
        self._fresh: list[Alert] = []

    def add_fresh(self, alert: Alert) -> None:
        self._fresh.append(alert)
        if len(self._fresh) >= PIPELINE:
            self._flush_fresh()

    def add_settled(self, alert: Alert) -> None:
        target = alert.condition.target
        ladder = (role_of(alert), _base(alert.symbol, target.metric), target.direction)
        self.put(ladder, alert.watched_level, str(Member.of(alert)))

    def put(self, ladder: tuple[Role, str, Direction], level: float, member: str) -> None:
        """A settled alert by its role, base (`symbol:metric`) and direction."""
        self._ladders.setdefault(ladder, []).append((level, member))
        self._settled += 1
        if self._settled >= REBUILD_CHUNK:
            self._flush_settled()

    def flush(self) -> None:
        self._flush_fresh()
        self._flush_settled()

    def _flush_fresh(self) -> None:
        """What is watched comes last, for others forget what has no alerts."""
        pipe = self._index._redis.pipeline(transaction=False)
        for alert in self._fresh:
            pipe.hset(_fresh_key(alert.symbol), str(Member.of(alert)), _fresh(alert))
            pipe.sadd(FRESH, alert.symbol)
            base = _base(alert.symbol, alert.condition.target.metric)
            pipe.hsetnx(WATCHED, base, _NO_EDGES)
        pipe.execute()
        self._fresh = []

    def _flush_settled(self) -> None:
        args: list[str | int] = []
        for (role, base, direction), entries in self._ladders.items():
            entries.sort()
            for start in range(0, len(entries), PIPELINE):
                part = entries[start : start + PIPELINE]
                args += (role, base, direction, len(part))
                args += (text for level, m in part for text in (level_text(level), m))
                if len(args) > PIPELINE:
                    self._index._run("add", *args)
                    args = []
        if args:
            self._index._run("add", *args)
        self._ladders, self._settled = {}, 0


def _starts_fresh(alert: Alert, baseline: Reading, caught_up: datetime | None) -> bool:
    """Whether a rebuild lets an alert count from its own baseline.

    So does one of the day on which the check goes on, for bars of that day tell no time of day;
    one that rests; and a trailing one, whose peak is to be found again.
    """
    if caught_up is None or baseline.as_of >= caught_up - DAY:
        return True
    if alert.rests_after is not None and alert.rests_after >= (caught_up - DAY).date():
        return True
    return alert.condition.target.metric in TRAILING


def _undecided_args(probe: Probe) -> tuple[str, ...]:
    seen, possible = probe.seen, probe.possible
    numbers = (seen.low, seen.high, possible.low, possible.high)
    return (_base(probe.symbol, probe.metric), *map(level_text, numbers))


def _claim(evidence: Evidence) -> str:
    """One claim in five lines; JSON has none of its own."""
    interval = evidence.interval
    return (
        f"{evidence.symbol}:{evidence.metric}\n{_peak(evidence.peak)}\n"
        f"{interval.low!r}\n{interval.high!r}\n{evidence.model_dump_json()}\n"
    )


def _held_fresh(alert: Alert) -> list[str]:
    """What `hold` is told of an alert; nothing for one that waits for nothing."""
    if alert.state not in ("armed", "waiting") or alert.baseline is None:
        return ["", "", "", ""]
    return [alert.symbol, alert.condition.target.metric, str(Member.of(alert)), _fresh(alert)]


def _fresh(alert: Alert) -> str:
    return Fresh.of(alert).model_dump_json()


def _peak(peak: float | None) -> str:
    return "" if peak is None else level_text(peak)


def _base(symbol: str, metric: str) -> str:
    return f"{symbol}:{metric}"


def _fresh_key(symbol: str) -> str:
    return f"fresh:{symbol}"


def _peaks_key(symbol: str, metric: str) -> str:
    return f"peaks:{symbol}:{metric}"
