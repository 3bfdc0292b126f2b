"""The live engine rings what a look back over the whole path says, whatever happens between."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from services.alerts.conditions import PriceCondition, PriceKind
from services.alerts.facts import Facts
from services.alerts.index import ArmedIndex
from services.alerts.readings import Readings
from services.alerts.recorder import Recorder
from services.errors import RateLimited
from services.market.models import Bar, BarInterval, Quote
from services.store.alerts import Alert
from services.store.sqlite import SqliteStore
from services.store.system import System
from tests.support.bell import Bell, make_bell
from tests.support.market import FixedProvider, make_quote
from tests.support.thorough import times

MINUTE = timedelta(minutes=1)
OPENS = [
    datetime(2026, 2, 27, 14, 30, tzinfo=UTC),
    *(datetime(2026, 3, day, 14, 30, tzinfo=UTC) for day in (2, 3, 4)),
]
"""A Friday on which nothing moves, and the sessions that follow."""
FLAT = 100.0


class Died(BaseException):
    """The process ended here."""


@dataclass
class Course:
    """A market of one symbol: its minute bars, and quotes `delay` behind them."""

    bars: list[Bar]
    closes: list[datetime]
    delay: timedelta


@dataclass
class PathProvider(FixedProvider):
    """Quotes and bars as they follow from a path."""

    path: Course = field(default_factory=lambda: Course([], [], timedelta(0)))

    def quotes(self, symbols: Any, now: datetime) -> dict[str, Quote]:
        self._answer("quotes", list(symbols))
        return {symbol: self.quote_at(now) for symbol in symbols}

    def quote_at(self, now: datetime) -> Quote:
        seen = [bar for bar in self.path.bars if bar.start + MINUTE <= now - self.path.delay]
        last = seen[-1]
        today = [bar for bar in seen if bar.session == last.session]
        before = [bar for bar in seen if bar.session < last.session]
        trading = any(
            opens <= now < closes for opens, closes in zip(OPENS, self.path.closes, strict=False)
        )
        return make_quote(
            price=last.close,
            day_high=max(bar.high for bar in today),
            day_low=min(bar.low for bar in today),
            previous_close=before[-1].close if before else FLAT,
            as_of=last.start + MINUTE,
            fetched_at=now,
            market_state="open" if trading else "closed",
        )

    def bars(
        self,
        symbol: str,
        interval: BarInterval,
        since: datetime,
        now: datetime,
        *,
        extended: bool = False,
    ) -> list[Bar]:
        self._answer("bars", symbol)
        assert interval == "1m"
        until = now - self.path.delay
        return [b for b in self.path.bars if b.start + MINUTE > since and b.start + MINUTE <= until]


@st.composite
def paths(draw: st.DrawFn) -> Course:
    minutes = draw(st.integers(3, 8))
    bars = [_bar(OPENS[0], FLAT, FLAT, FLAT)]
    closes, price = [OPENS[0] + MINUTE], FLAT
    for opens in OPENS[1:]:
        price += draw(st.sampled_from([0, 0, -6, 5, 12]))
        start = price
        for minute in range(minutes):
            price = start + draw(st.integers(-3, 3)) if minute else price
            low = min(start, price) - draw(st.sampled_from([0, 0, 0, 2]))
            high = max(start, price) + draw(st.sampled_from([0, 0, 0, 2]))
            bars.append(_bar(opens + minute * MINUTE, low, high, price))
            start = price
        closes.append(opens + minutes * MINUTE)
    return Course(bars, closes, draw(st.sampled_from([0, 0, 2])) * MINUTE)


def _bar(start: datetime, low: float, high: float, close: float) -> Bar:
    return Bar(
        start=start, session=start.date(), open=close, high=high, low=low, close=close, volume=1
    )


Fault = Literal[
    "none",
    "again",
    "flush",
    "flush inside",
    "no quotes",
    "no bars",
    "claim",
    "put",
    "settle_all",
    "_record",
    "_acknowledge",
    "save_checker",
    "sweep",
]
_FAULTS: list[Fault] = [
    "none", "none", "none", "again", "flush", "flush inside", "no quotes", "no bars",
    "claim", "put", "settle_all", "_record", "_acknowledge", "save_checker", "sweep",
]  # fmt: skip
_OWNERS: dict[str, Any] = {
    "claim": ArmedIndex, "put": Readings, "settle_all": ArmedIndex, "_record": Recorder,
    "_acknowledge": Recorder, "save_checker": System,
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    """At `tick` of session `day`: a check with a fault, or an alert at `offset` of the price."""

    day: int
    tick: int
    fault: Fault | None
    kind: PriceKind = "price_rises_to"
    offset: int = 0

    @property
    def at(self) -> datetime:
        """Ticks are minutes, and from the tenth on, after the close, half hours."""
        late = max(self.tick - 10, 0)
        return OPENS[self.day] + min(self.tick, 10) * MINUTE + late * timedelta(minutes=30)


_when = {"day": st.integers(1, 3), "tick": st.integers(0, 12)}
_checks = st.builds(Event, **_when, fault=st.sampled_from(_FAULTS))
_alerts = st.builds(
    Event,
    **_when,
    fault=st.none(),
    kind=st.sampled_from(["price_rises_to", "price_falls_to"]),
    offset=st.integers(-6, 6),
)
_events = st.tuples(st.lists(_alerts, min_size=1, max_size=6), st.lists(_checks, max_size=12)).map(
    lambda lists: sorted([*lists[0], *lists[1]], key=lambda event: (event.day, event.tick))
)


@pytest.mark.parametrize("examples", [25, pytest.param(times(400, 120), marks=pytest.mark.slow)])
def test_what_rings_is_what_the_path_says(redis: Redis, examples: int) -> None:
    @settings(
        max_examples=examples, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(path=paths(), events=_events)
    def agree(path: Course, events: list[Event]) -> None:
        with _bell(redis, path) as bell, pytest.MonkeyPatch.context() as patch:
            patch.setattr("services.alerts.recorder.LEFT_BEHIND", timedelta(0))
            alerts = list(_live_through(bell, events, redis))
            _come_to_rest(bell)
            rang = sorted(trigger.alert_id for trigger in bell.triggers())
            assert len(set(rang)) == len(rang), "once is once"
            for alert in alerts:
                must, may = _looking_back(path, alert)
                assert (alert.id in rang) in {must, may}, (alert, must)

    agree()


@contextmanager
def _bell(redis: Redis, path: Course) -> Iterator[Bell]:
    redis.flushall()
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.sqlite3")
        provider = PathProvider(path=path)
        bell = make_bell(store, redis, provider, at=OPENS[1])
        bell.market = provider
        yield bell
        store.close()


def _live_through(bell: Bell, events: list[Event], redis: Redis) -> Iterator[Alert]:
    for event in events:
        bell.at = event.at
        if event.fault is not None:
            _check(bell, event.fault, redis)
            continue
        quote = bell.provider.quotes(["AAPL"], bell.at)["AAPL"]
        condition = PriceCondition(kind=event.kind, level=quote.price + event.offset)
        if_true = "wait" if condition.target.reached_by(quote.price) else None
        yield bell.services.arming.create(
            bell.uid, Facts(quote), condition, bell.at, if_true=if_true
        )


def _check(bell: Bell, fault: Fault, redis: Redis) -> None:
    if fault == "sweep":
        bell.parts.recorder.sweep()
        return
    if fault == "flush":
        redis.flushall()
    with pytest.MonkeyPatch.context() as patch:
        if fault == "no quotes":
            patch.setattr(bell.market, "error", RateLimited("slow down"))
        if fault == "no bars":
            patch.setattr(bell.market, "bars", _no_bars)
        if fault == "flush inside":
            _first(patch, ArmedIndex, "watched", redis.flushall)
        if fault in _OWNERS:
            patch.setattr(_OWNERS[fault], fault, _die)
        try:
            bell.check()
        except Died:
            return
    if fault == "again":
        bell.check()


def _come_to_rest(bell: Bell) -> None:
    bell.at = OPENS[-1] + timedelta(hours=12)
    for _ in range(3):
        bell.check()
        bell.parts.recorder.sweep()
        bell.at += timedelta(minutes=5)


def _looking_back(path: Course, alert: Alert) -> tuple[bool, bool]:
    """Whether the path since the alert was set must, and may, have rung it. A bar does not tell
    whether its low or its high came first."""
    assert alert.baseline is not None
    bars = [bar for bar in path.bars if bar.start >= alert.baseline.as_of]
    level, rise = alert.condition.level, alert.condition.target.direction == "rise"
    touches = [bar.high >= level if rise else bar.low <= level for bar in bars]
    if alert.state == "armed":
        return any(touches), any(touches)
    left = [i for i, b in enumerate(bars) if (b.low < level if rise else b.high > level)]
    if not left:
        return False, False
    return any(touches[left[0] + 1 :]), any(touches[left[0] :])


def _first(patch: pytest.MonkeyPatch, owner: Any, step: str, then: Callable[[], object]) -> None:
    real = getattr(owner, step)

    def stepped(*args: Any) -> Any:
        result = real(*args)
        patch.setattr(owner, step, real)
        then()
        return result

    patch.setattr(owner, step, stepped)


def _die(*_: object, **__: object) -> None:
    raise Died


def _no_bars(*_: object, **__: object) -> None:
    raise RateLimited("no bars")
