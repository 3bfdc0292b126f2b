"""How much breaks, and when: drawn from a seed."""

import random
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Engine: TypeAlias = Literal["sqlite", "firestore"]
Fault: TypeAlias = Literal[
    "kill workers", "kill workers.clock", "kill redis", "revive redis", "forget redis",
    "empty redis", "begin outage", "end outage",
]  # fmt: skip
_VICTIMS: dict[Fault, int] = {"kill workers": 72, "kill workers.clock": 18, "kill redis": 10}
_REDIS_IS_AWAY = (0.1, 2.0)


@dataclass(frozen=True)
class Plan:
    """`kills` deaths by -9 within `seconds`, after which nothing more breaks for `calm_seconds`.

    Redis is emptied `flushes` times while it runs, and at `forgotten` of its deaths loses its
    file as well. The replayed market has a session in `day_seconds`.
    """

    alerts: int = 10_000
    seconds: float = 420
    calm_seconds: float = 75
    kills: int = 120
    flushes: int = 3
    forgotten: int = 2
    outages: int = 2
    outage_seconds: float = 60
    day_seconds: float = 60
    shards: int = 1


SHORT = Plan(
    alerts=1_000,
    seconds=40,
    calm_seconds=5,
    kills=18,
    flushes=1,
    forgotten=1,
    outages=1,
    outage_seconds=6,
    day_seconds=10,
)
"""For every change: about a minute."""


class Event(NamedTuple):
    at: float
    """Seconds from the beginning."""
    fault: Fault


def schedule(plan: Plan, luck: random.Random) -> list[Event]:
    """All faults in their order; every dead Redis comes back, every outage ends."""
    victims = luck.choices(list(_VICTIMS), list(_VICTIMS.values()), k=plan.kills)
    deaths = [number for number, victim in enumerate(victims) if victim == "kill redis"]
    forgotten = set(luck.sample(deaths, min(plan.forgotten, len(deaths))))
    events = []
    for number, victim in enumerate(victims):
        at = luck.uniform(1, plan.seconds)
        events.append(Event(at, victim))
        if victim == "kill redis":
            back = at + luck.uniform(*_REDIS_IS_AWAY)
            events.append(Event(back, "revive redis"))
            if number in forgotten:
                events.append(Event((at + back) / 2, "forget redis"))
    events += [Event(luck.uniform(1, plan.seconds), "empty redis") for _ in range(plan.flushes)]
    for number in range(plan.outages):
        share = plan.seconds / plan.outages
        at = share * number + luck.uniform(0, share - plan.outage_seconds)
        events.append(Event(at, "begin outage"))
        events.append(Event(at + plan.outage_seconds, "end outage"))
    return sorted(events)
