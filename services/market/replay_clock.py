"""Which moment of the replayed market it is, and where the replay's beginning is kept."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.errors import MarketError
from services.store.contract import Fields, Set, Store, Transaction

NEW_YORK = ZoneInfo("America/New_York")
SESSION = timedelta(hours=6, minutes=30)
_OPENING = time(9, 30)
_PATH = "system/replay"


@dataclass(frozen=True, slots=True)
class Moment:
    """`done` of `session` has passed, 0 to 1. `over`: the last session has ended."""

    session: date
    done: float
    over: bool

    @property
    def time(self) -> datetime:
        """The market's time in UTC: 09:30 New York at 0, 16:00 at 1."""
        return opening(self.session) + SESSION * self.done


def opening(session: date) -> datetime:
    """09:30 in New York on that day, in UTC."""
    return datetime.combine(session, _OPENING, NEW_YORK).astimezone(UTC)


class ReplayClock:
    """Runs one of `sessions` per `day_seconds` of our time, from `origin` on."""

    def __init__(
        self, sessions: Sequence[date], start: date, origin: datetime, day_seconds: float
    ) -> None:
        """Raises MarketError when no session is left at `start`."""
        self._sessions = sessions[bisect_left(sessions, start) :]
        if not self._sessions:
            raise MarketError(
                f"The replay cannot start on {start}: its prices end on {sessions[-1]}."
                f" Set REPLAY_START to {sessions[-1]} or earlier."
            )
        self._origin = origin
        self._day = timedelta(seconds=day_seconds)

    def moment(self, now: datetime) -> Moment:
        """Where the replay is at `now`; before its origin it waits at the first open."""
        days, rest = divmod(max(now - self._origin, timedelta(0)), self._day)
        if days >= len(self._sessions):
            return Moment(self._sessions[-1], 1.0, over=True)
        return Moment(self._sessions[days], rest / self._day, over=False)


def replay_origin(store: Store, start: date, day_seconds: float, now: datetime) -> datetime:
    """When the replay began, kept in `system/replay` so that a restart goes on with it.

    The first to ask, and whoever asks with another start or pace, begins anew at `now`.
    Raises what `Store.transact` raises.
    """
    plan: dict[str, str | float] = {"start": start.isoformat(), "day_seconds": float(day_seconds)}

    def settle(transaction: Transaction) -> datetime:
        kept = transaction.get(_PATH)
        origin = _origin_of(kept.fields, plan) if kept else None
        if origin is None:
            transaction.write(Set(_PATH, {**plan, "origin": now}))
        return origin or now

    return store.transact(settle)


def _origin_of(fields: Fields, plan: Fields) -> datetime | None:
    origin = fields.get("origin")
    same = all(fields.get(name) == value for name, value in plan.items())
    return origin if same and isinstance(origin, datetime) else None
