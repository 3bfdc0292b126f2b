"""When exchanges open and close, for the web, which has no calendars.

| key | holds | kept |
|---|---|---|
| `hours:{calendar}` | the sessions of some weeks around the market's time | 4 days |
| `pending:hours:{calendar}` | a mark: a worker is asked for it | at most 30 s |

Workers fill it (fetch_hours.py). Moments are the market's, UTC: ours, except in a replay.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from services.jobs import Jobs
from services.market.exchanges import CALENDARS, EVERY_DAY
from services.market.models import MarketState
from services.market.pending import Pending

AHEAD = timedelta(days=15)
"""So far a timetable looks at least: no exchange rests for longer."""
_KEPT = timedelta(days=4)
_GRACE = timedelta(minutes=20)
"""After an open or close: Yahoo's delay, within which a quote does not contradict the hours."""


class Timetable(BaseModel):
    """The sessions of one calendar that touch the span from `begin` to `end`: opens and closes,
    oldest first, all in seconds since 1970. A calendar that nobody has has no sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    begin: int
    end: int
    opens: tuple[int, ...]
    closes: tuple[int, ...]

    def covers(self, moment: datetime) -> bool:
        at = moment.timestamp()
        return self.begin <= at and at + AHEAD.total_seconds() <= self.end


@dataclass(frozen=True, slots=True)
class Standing:
    """How an exchange stands: open or not, since when at least, and when that changes:
    `until` is the close of the session that runs, or the next open; None: not known, or never
    where `always`."""

    state: MarketState
    until: datetime | None = None
    since: datetime | None = None
    always: bool = False


class TimetableDesk:
    """Where the web asks for timetables. What it has read it keeps in the process; workers are
    asked for the others, once, and nobody waits."""

    def __init__(self, redis: Redis, jobs: Jobs) -> None:
        self._redis = redis
        self._jobs = jobs
        self._pending = Pending(redis, "hours")
        self._at_hand: dict[str, Timetable] = {}

    def of(self, exchanges: Iterable[str], moment: datetime) -> dict[str, Timetable]:
        """The timetables around `moment`, by exchange as quotes name it; those of exchanges
        without known hours are left out. Raises only what the Redis client raises."""
        calendars = {one: CALENDARS[one] for one in exchanges if one in CALENDARS}
        if wanted := self._missing(calendars.values(), moment):
            self._read(wanted)
            if absent := self._missing(wanted, moment):
                self._fetch(absent)
        return {
            exchange: self._at_hand[calendar]
            for exchange, calendar in calendars.items()
            if calendar in self._at_hand and self._at_hand[calendar].covers(moment)
        }

    def _missing(self, calendars: Iterable[str], moment: datetime) -> list[str]:
        at_hand = self._at_hand
        return [
            name
            for name in dict.fromkeys(calendars)
            if not (name in at_hand and at_hand[name].covers(moment))
        ]

    def _read(self, calendars: list[str]) -> None:
        kept = cast(list[bytes | None], self._redis.mget([f"hours:{name}" for name in calendars]))
        for name, text in zip(calendars, kept, strict=True):
            if found := _timetable(text):
                self._at_hand[name] = found

    def _fetch(self, calendars: list[str]) -> None:
        if claimed := self._pending.claim_all(calendars):
            self._jobs.fetch_hours(claimed)


def keep_timetable(redis: Redis, calendar: str, timetable: Timetable) -> None:
    """Keep what a worker has made, and release whoever waits. Raises what Redis' client does."""
    redis.set(f"hours:{calendar}", timetable.model_dump_json(), ex=_KEPT)
    Pending(redis, "hours").release(calendar)


def believed(
    exchange: str, plan: Standing | None, told: MarketState, told_at: datetime
) -> Standing:
    """How `exchange` stands by what is `planned`, and by what a quote `told` at `told_at`.

    A quote knows of halts and days off that no calendar has: it counts where it contradicts the
    timetable, unless that has changed since, or just before.
    """
    if exchange in EVERY_DAY:
        return Standing("open", always=True)
    if plan is None or plan.since is None:
        return Standing(told)
    if (told == "open") != (plan.state == "open") and told_at >= plan.since + _GRACE:
        return Standing(told)
    if plan.state == "closed" and told in ("pre", "post"):
        return Standing(told, plan.until, plan.since)
    return plan


def planned(timetable: Timetable | None, moment: datetime) -> Standing | None:
    """How an exchange stands by its timetable; None where its hours are not known."""
    if timetable is None or not timetable.opens:
        return None
    at = moment.timestamp()
    number = bisect_right(timetable.opens, at)
    if number and at < timetable.closes[number - 1]:
        last = number - 1
        return Standing("open", _time(timetable.closes[last]), _time(timetable.opens[last]))
    following = timetable.opens[number : number + 1]
    since = timetable.closes[number - 1] if number else timetable.begin
    return Standing("closed", _time(following[0]) if following else None, _time(since))


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _timetable(text: bytes | None) -> Timetable | None:
    try:
        return Timetable.model_validate_json(text) if text else None
    except ValidationError:  # written by another version; it will be made again
        return None
