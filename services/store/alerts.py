"""Alerts: `users/{uid}/alerts/{id}`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from services.alerts.conditions import Condition, PriceCondition
from services.alerts.intervals import IsoDate, Reading
from services.errors import LimitReached, NotFound
from services.figures import localized
from services.store.contract import (
    Cursor,
    Direction,
    Document,
    Query,
    Reader,
    Set,
    Store,
    Transaction,
    Write,
)
from services.store.paging import page_of
from services.store.queries import MAX_DISJUNCTIONS, cursor_of
from services.store.record import Record, readable
from services.texts import gettext as _

Frequency: TypeAlias = Literal["once", "daily", "every"]
State: TypeAlias = Literal["armed", "waiting", "paused", "triggered", "expired"]
MAX_NOTE = 500
MAX_REARM_MARGIN = 50.0
PAGE = 50
EXPIRY_PAGE = 500
_TO_INDEX = Query("alerts", group=True, where=(("state", "in", ("armed", "waiting")),))


class Adjustment(BaseModel):
    """A split that moved the level: `ratio` new shares for each old one from `session` on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session: IsoDate
    ratio: float
    level_before: float
    level_after: float


class Alert(Record):
    """A person's condition and where it stands.

    armed: waits for its condition. waiting: was true when set or has just rung, and arms once
    the metric has been on the other side of its level, or of `rearm_at` where that is given;
    after a ring that is `rearm_margin` per cent of the level away from it.
    paused: by its owner, or for `paused_because`. triggered and expired: done.
    An `urgent` one is delivered in its owner's quiet hours, too. `channels` are the names of
    those by which it rings, None for its owner's.
    `epoch` counts the armings, one that waits first included; `baseline` is the reading from
    which on the present one counts, in the shares of its session. Until `rests_after`, that
    session included, an alert that rings once a day counts nothing. Nothing that happens
    after `expires_at` counts.
    """

    uid: str
    id: str
    symbol: str
    condition: Condition
    frequency: Frequency = "once"
    urgent: bool = False
    channels: tuple[str, ...] | None = None
    note: str = Field("", max_length=MAX_NOTE)
    state: State
    epoch: int
    created_at: datetime
    updated_at: datetime
    armed_at: datetime | None = None
    baseline: Reading | None = None
    rearm_margin: float = Field(0.5, ge=0, le=MAX_REARM_MARGIN, allow_inf_nan=False)
    rearm_at: float | None = None
    rests_after: IsoDate | None = None
    expires_at: datetime | None = None
    paused_because: str | None = None
    last_trigger: str | None = None
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def path(self) -> str:
        return alert_path(self.uid, self.id)

    def may_ring_again(self, epoch: int) -> bool:
        """Whether it is done or paused, and has not been armed since that epoch."""
        return self.epoch == epoch and self.state not in ("armed", "waiting")

    def condition_on(self, session: date) -> Condition:
        """The condition in the shares of that session, before the splits that came later."""
        later = [done for done in self.adjustments if done.session > session]
        if not later or not isinstance(self.condition, PriceCondition):
            return self.condition
        return self.condition.model_copy(update={"level": later[0].level_before})

    @property
    def watched_level(self) -> float:
        """The level that the engine watches now: to ring when armed, to arm when waiting."""
        if self.state == "waiting" and self.rearm_at is not None:
            return self.rearm_at
        return self.condition.target.level


def alert_path(uid: str, alert_id: str) -> str:
    return f"users/{uid}/alerts/{alert_id}"


def newest_alerts(uid: str, limit: int) -> Query:
    """The query of a first page: it asks for one more, which tells that there is another page."""
    order: tuple[tuple[str, Direction], ...] = (("created_at", "descending"),)
    return Query(f"users/{uid}/alerts", order_by=order, limit=limit + 1)


def read_alert(reader: Reader, uid: str, alert_id: str) -> Alert | None:
    """The alert as a store or a running transaction sees it."""
    document = reader.get(alert_path(uid, alert_id))
    return Alert.from_document(document) if document else None


def pass_gate(store: Store, transaction: Transaction, uid: str, most: int) -> Write:
    """The write that must go with the creation of an alert. Raises LimitReached at `most`.

    All creations of one person pass one gate document, which counts them, so that none counts
    too few. Deletions do not pass it: it may count too many, and only where it then says that
    the limit is reached the alerts themselves are counted. `transaction` must not have written.
    """
    path = f"users/{uid}/gates/alerts"
    document = transaction.get(path)
    at_most = document.fields.get("at_most") if document else None
    if not isinstance(at_most, int) or at_most >= most:
        at_most = store.count(Query(f"users/{uid}/alerts"))
    if at_most >= most:
        raise LimitReached(
            _(
                "You can have %(most)s alerts at most. Delete some first.",
                most=localized(f"{most:,}"),
            )
        )
    return Set(path, {"at_most": at_most + 1})


class Alerts:
    """Reads alerts. They are written by services/alerts, together with the armed index."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, uid: str, alert_id: str) -> Alert:
        """Raises NotFound."""
        alert = read_alert(self._store, uid, alert_id)
        if alert is None:
            raise NotFound("There is no such alert.")
        return alert

    def some(self, uid: str, alert_ids: Sequence[str]) -> list[Alert]:
        """Those of a person's alerts that are there and can be read."""
        documents = self._store.get_all([alert_path(uid, alert_id) for alert_id in alert_ids])
        return list(readable(Alert, filter(None, documents)))

    def page(
        self, uid: str, after: Cursor | None = None, limit: int = PAGE
    ) -> tuple[list[Alert], Cursor | None]:
        """Newest first, and the cursor of the next page, None on the last."""
        query = replace(newest_alerts(uid, limit), after=after)
        return page_of(self._store, query, limit, Alert)

    def count(self, uid: str) -> int:
        return self._store.count(Query(f"users/{uid}/alerts"))

    def ended(
        self, now: datetime, after: Cursor | None = None
    ) -> tuple[list[Document], Cursor | None]:
        """Everybody's alerts that should have expired by `now`, those that ended first first."""
        query = Query(
            "alerts",
            group=True,
            where=(("state", "in", ("armed", "waiting", "paused")), ("expires_at", "<=", now)),
            order_by=(("expires_at", "ascending"),),
            limit=EXPIRY_PAGE,
            after=after,
        )
        documents = list(self._store.query(query))
        full = len(documents) == EXPIRY_PAGE
        return documents, cursor_of(query, documents[-1]) if full else None

    def ending(self, uid: str, after: datetime, until: datetime) -> list[Alert]:
        """A person's alerts whose last moment lies behind `after`, up to `until`, in its order."""
        query = Query(
            f"users/{uid}/alerts",
            where=(("expires_at", ">", after), ("expires_at", "<=", until)),
            order_by=(("expires_at", "ascending"),),
        )
        return list(readable(Alert, self._store.query(query)))

    def all_ending(self, after: datetime, until: datetime) -> Iterator[Alert]:
        """Everybody's live alerts whose last moment lies behind `after`, up to `until`."""
        query = Query(
            "alerts",
            group=True,
            where=(
                ("state", "in", ("armed", "waiting", "paused")),
                ("expires_at", ">", after),
                ("expires_at", "<=", until),
            ),
            order_by=(("expires_at", "ascending"),),
        )
        return readable(Alert, self._store.query(query))

    def live_on(self, uid: str, symbols: Sequence[str]) -> list[Alert]:
        """A person's armed and waiting alerts on any of these symbols."""
        few = 0 < len(symbols) <= MAX_DISJUNCTIONS
        states = ("armed", "waiting")
        where = ("symbol", tuple(symbols)) if few else ("state", states)
        query = Query(f"users/{uid}/alerts", where=((where[0], "in", where[1]),))
        found = readable(Alert, self._store.query(query))
        wanted = frozenset(symbols)
        return [alert for alert in found if alert.symbol in wanted and alert.state in states]

    def of_symbol(self, symbol: str, states: tuple[State, ...]) -> Iterator[Alert]:
        """Everybody's alerts on a symbol; for rare events such as splits."""
        query = Query(
            "alerts", group=True, where=(("symbol", "==", symbol), ("state", "in", states))
        )
        return readable(Alert, self._store.query(query))

    def count_to_index(self) -> int:
        """How many alerts of everybody are armed or waiting."""
        return self._store.count(_TO_INDEX)

    def to_index(self) -> Iterator[Alert]:
        """Everybody's armed and waiting alerts; for a rebuild of the index only."""
        return readable(Alert, self._store.query(_TO_INDEX))
