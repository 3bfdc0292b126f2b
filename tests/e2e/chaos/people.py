"""People who set alerts of many kinds while everything around them breaks, and try again."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from redis import RedisError

from services.alerts.conditions import (
    AverageCondition,
    Condition,
    DayChangeCondition,
    ExtremeCondition,
    MoveCondition,
    PriceCondition,
    TrailingCondition,
)
from services.alerts.facts import Facts, needs
from services.alerts.history import History
from services.alerts.paths import unsplit
from services.container import Services
from services.errors import AlreadyTrue, InvalidInput, StoreError
from services.ids import new_id
from services.market.models import Bar, Quote
from services.market.provider import Provider
from services.store.alerts import Frequency
from services.store.users import User
from tests.e2e.chaos.oracle import Wish

OF_ONE_PERSON = 500
AT_ONCE = 4
EXTREME = 1e-7
"""How far beyond a ratio of 1 a new high is taken to be: less than any tick."""
_MIX = {
    "price": 60, "day-change": 10, "trailing": 10, "extreme": 5, "average": 7, "move": 8,
}  # fmt: skip
_FREQUENCIES: dict[Frequency, int] = {"once": 70, "every": 15, "daily": 15}


@dataclass
class People:
    """They set `count` alerts, the first nine of ten as fast as they can, the rest over `seconds`.

    `wishes` are all that were tried; one that failed may be stored all the same.
    """

    services: Services
    provider: Provider
    symbols: Sequence[str]
    count: int
    seconds: float
    luck: random.Random
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    wishes: list[Wish] = field(default_factory=list)
    refusals: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def sign_up(self) -> list[str]:
        """One in five has confirmed the address, and gets mails."""
        now = self.clock()
        people = [
            User(
                uid=new_id(now),
                email=f"{number}@people.example",
                password_hash="-",
                created_at=now,
                confirmed_at=now if number % 5 == 0 else None,
            )
            for number in range(max(AT_ONCE, self.count // OF_ONE_PERSON))
        ]
        for user in people:
            self.services.users.create(user)
        return [user.uid for user in people]

    def begin(self, uids: Sequence[str]) -> None:
        for number in range(AT_ONCE):
            thread = threading.Thread(
                target=self._set_all,
                args=(uids[number::AT_ONCE], random.Random(self.luck.random())),
                daemon=True,
            )
            thread.start()
            self._threads.append(thread)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def set_so_far(self) -> int:
        return sum(wish.answered is not None for wish in list(self.wishes))

    def _set_all(self, uids: Sequence[str], luck: random.Random) -> None:
        began, mine = time.monotonic(), self.count // AT_ONCE
        at_once = mine * 9 // 10
        done = 0
        while done < mine and not self._stop.is_set():
            if done >= at_once:
                due = began + self.seconds * (done - at_once) / (mine - at_once)
                if self._stop.wait(max(0.0, due - time.monotonic())):
                    return
            if self.set_one(uids[done % len(uids)], luck):
                done += 1
            else:
                self.refusals += 1
                self._stop.wait(luck.uniform(0.2, 1))

    def set_one(self, uid: str, luck: random.Random) -> bool:
        """One alert, of which everything is drawn; whether it was acknowledged."""
        now = self.clock()
        quote = self.provider.quotes(self.symbols, now)[luck.choice(self.symbols)]
        condition, frequency = _condition(quote, luck), _frequency(luck)
        facts = self._facts(quote, condition.target.metric, now)
        name = f"{threading.get_ident()}-{len(self.wishes)}-{luck.random()}"
        wish = _wish(name, condition, frequency, facts)
        try:
            self.services.arming.create(
                uid, facts, condition, now, frequency=frequency, note=name,
                if_true="wait" if wish.waits else None,
            )  # fmt: skip
        except (RedisError, StoreError):
            self.wishes.append(wish)
            return False
        except (AlreadyTrue, InvalidInput):
            raise AssertionError(f"refused: {wish}") from None
        self.wishes.append(replace(wish, answered=self.clock()))
        return True

    def _facts(self, quote: Quote, metric: str, now: datetime) -> Facts:
        wanted, symbol = needs(metric), quote.symbol
        history, minutes = None, tuple[Bar, ...]()
        if "history" in wanted:
            long_ago = quote.as_of - timedelta(days=4 * 366)
            bars = self.provider.bars(symbol, "1d", long_ago, now)
            splits = self.provider.splits(symbol, long_ago, now)
            past = [bar for bar in unsplit(bars, splits) if bar.session < quote.session]
            history = History(tuple(past))
        if "minutes" in wanted:
            since = quote.as_of - timedelta(hours=4)
            minutes = tuple(self.provider.bars(symbol, "1m", since, now))
        return Facts(quote, history, minutes)


def _wish(name: str, condition: Condition, frequency: Frequency, facts: Facts) -> Wish:
    target, quote = condition.target, facts.quote
    value = facts.value(target.metric)
    level = target.level
    if isinstance(condition, ExtremeCondition):
        level = 1 + EXTREME if target.direction == "rise" else 1 - EXTREME
    return Wish(
        name=name,
        symbol=quote.symbol,
        metric=target.metric,
        rises=target.direction == "rise",
        level=level,
        frequency=frequency,
        waits=value is not None and target.reached_by(value),
        since=quote.as_of,
        session=quote.session,
        price=quote.price,
    )


def _frequency(luck: random.Random) -> Frequency:
    return luck.choices(list(_FREQUENCIES), list(_FREQUENCIES.values()))[0]


def _condition(quote: Quote, luck: random.Random) -> Condition:
    kind = luck.choices(list(_MIX), list(_MIX.values()))[0]
    return _MAKE[kind](quote, luck)


def _price(quote: Quote, luck: random.Random) -> Condition:
    level = round(quote.price * (1 + luck.gauss(0, 0.05)), 2)
    return PriceCondition(kind=luck.choice(["price_rises_to", "price_falls_to"]), level=level)


def _day_change(_: Quote, luck: random.Random) -> Condition:
    level = round(luck.uniform(-4, 4), 2)
    return DayChangeCondition(
        kind=luck.choice(["day_change_rises_to", "day_change_falls_to"]), level=level
    )


def _trailing(_: Quote, luck: random.Random) -> Condition:
    percent = round(luck.uniform(0.5, 12), 2)
    return TrailingCondition(
        kind=luck.choice(["falls_from_peak", "rises_from_trough"]), percent=percent
    )


def _extreme(_: Quote, luck: random.Random) -> Condition:
    return ExtremeCondition(
        kind=luck.choice(["new_high", "new_low"]), span=f"{luck.choice([2, 5, 20])}d"
    )


def _average(_: Quote, luck: random.Random) -> Condition:
    return AverageCondition(
        kind="crosses_average",
        average=luck.choice(["sma", "ema"]),
        days=luck.choice([5, 10, 20]),
        direction=luck.choice(["up", "down"]),
    )


def _move(_: Quote, luck: random.Random) -> Condition:
    return MoveCondition(
        kind="moves_by",
        percent=round(luck.uniform(0.3, 5), 2),
        window=luck.choice(["15m", "1h", "4h", "1d", "2d"]),
        direction=luck.choice(["up", "down", "either"]),
    )


_MAKE = {
    "price": _price,
    "day-change": _day_change,
    "trailing": _trailing,
    "extreme": _extreme,
    "average": _average,
    "move": _move,
}
