"""Triggers: `users/{uid}/triggers/{alert}-{epoch}`, with the state of their deliveries."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from services.alerts.conditions import Condition
from services.errors import NotFound
from services.store.contract import MAX_BATCH, Cursor, Query, Store, Update
from services.store.paging import count_of, page_of
from services.store.record import Record, readable

DeliveryState: TypeAlias = Literal["pending", "held", "sending", "retry", "sent", "failed"]
Trouble: TypeAlias = Literal["failed", "late"]
"""failed: a channel, or one of its devices, did not take it. late: nothing has failed, but
something is held, or is to be tried again."""
PAGE = 50
MARKED_AT_ONCE = 5_000


class Delivery(BaseModel):
    """The sending of a trigger through one channel.

    held: waits until the owner has confirmed the address; at `due_at` it is looked at again,
    should the job that releases it have been lost. retry: due again at `due_at`, with `error`; with
    no attempts it only waits for a channel that sends nothing for now. sending: a worker
    holds it until `due_at`, when another may take over. `due_at` is None when there is nothing
    left to do.
    `group` names those that were first tried in one message, and are one from then on.
    `reached` are the devices that have it by now. `round` counts up when the owner asks to be
    told again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: DeliveryState = "pending"
    attempts: int = 0
    due_at: datetime | None = None
    sent_at: datetime | None = None
    error: str | None = None
    group: str | None = None
    reached: tuple[str, ...] = ()
    round: int = 0


class Trigger(Record):
    """That an alert's condition came true, once per alert and epoch, with the evidence.

    `level`, `value` (the furthest the metric went), `low` and `high` (of the interval since the
    last check) are in the unit of the condition's metric; `price` and `peak` (from which a
    drawdown or run-up counts) are in `currency`. `occurred_at` is the exchange's time,
    `noticed_at` ours, both UTC. `open` while a delivery is due, the next at `due_at`.
    `urgent` as the alert was when it rang: delivered in quiet hours, too. `channels` are those
    of the alert, None for its owner's; `deliveries` has none before the outbox looks at it.

    `unread` until its owner has seen it, on whichever device: the trigger itself tells, so that a
    phone and a laptop agree, and each is written once for it, however late it was recorded. What
    was recorded before there was an inbox counts as read. `trouble` follows from the deliveries.
    """

    uid: str
    id: str
    alert_id: str
    epoch: int
    symbol: str
    condition: Condition
    note: str
    urgent: bool = False
    channels: tuple[str, ...] | None = None
    value: float
    price: float
    low: float
    high: float
    peak: float | None = None
    currency: str
    occurred_at: datetime
    noticed_at: datetime
    source: str
    deliveries: dict[str, Delivery] = Field(default_factory=dict)
    open: bool
    due_at: datetime | None
    unread: bool = False
    trouble: Trouble | None = None

    @property
    def level(self) -> float:
        return self.condition.target.level

    @property
    def read(self) -> bool:
        return not self.unread

    def with_delivery(self, channel: str, delivery: Delivery) -> "Trigger":
        """With a channel's new state; what follows from all channels' is told anew."""
        deliveries = {**self.deliveries, channel: delivery}
        due = [d.due_at for d in deliveries.values() if d.due_at is not None]
        return self.model_copy(
            update={
                "deliveries": deliveries,
                "open": bool(due),
                "due_at": min(due, default=None),
                "trouble": _trouble(deliveries.values()),
            }
        )


def _trouble(deliveries: Iterable[Delivery]) -> Trouble | None:
    ends = {"failed" if d.state == "sent" and d.error else d.state for d in deliveries}
    if "failed" in ends:
        return "failed"
    return "late" if ends & {"held", "retry"} else None


def trigger_path(uid: str, trigger_id: str) -> str:
    return f"users/{uid}/triggers/{trigger_id}"


class Triggers:
    """Reads triggers, and marks them as read. They are created by the recorder, and their
    deliveries are changed by the outbox."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, uid: str, trigger_id: str) -> Trigger:
        """Raises NotFound."""
        trigger = self.find(uid, trigger_id)
        if trigger is None:
            raise NotFound("There is no such trigger.")
        return trigger

    def find(self, uid: str, trigger_id: str) -> Trigger | None:
        document = self._store.get(trigger_path(uid, trigger_id))
        return Trigger.from_document(document) if document else None

    def page(
        self,
        uid: str,
        after: Cursor | None = None,
        limit: int = PAGE,
        alert_id: str | None = None,
        symbol: str | None = None,
        unread: bool = False,
        trouble: Trouble | None = None,
    ) -> tuple[list[Trigger], Cursor | None]:
        """Newest first, and the cursor of the next page; of one alert, of one symbol, unread, or
        with a trouble if that is given: each has an index of its own, so only one of them."""
        asked = {"alert_id": alert_id, "symbol": symbol, "trouble": trouble, "unread": unread}
        named = [(field, value) for field, value in asked.items() if value]
        if len(named) > 1:
            raise ValueError(f"A page of triggers is asked for by {len(named)} fields.")
        query = Query(
            f"users/{uid}/triggers",
            where=tuple((field, "==", value) for field, value in named),
            order_by=(("noticed_at", "descending"),),
            limit=limit + 1,
            after=after,
        )
        return page_of(self._store, query, limit, Trigger)

    def count_unread(self, uid: str, limit: int) -> int:
        """How many of a person's are unread, `limit` at most."""
        return count_of(self._store, unread_triggers(uid, limit))

    def mark(self, uid: str, trigger_id: str, unread: bool = False) -> Trigger:
        """Mark one as read, or as unread again; one that is already is not written. Raises
        NotFound."""
        trigger = self.get(uid, trigger_id)
        if trigger.unread != unread:
            self._store.write(Update(trigger_path(uid, trigger_id), {"unread": unread}))
        return trigger.model_copy(update={"unread": unread})

    def mark_all_read(self, uid: str, until: datetime) -> int:
        """Mark as read what was noticed at `until` or before, the newest MARKED_AT_ONCE of them;
        returns how many."""
        query = replace(
            unread_triggers(uid, MARKED_AT_ONCE),
            where=(("unread", "==", True), ("noticed_at", "<=", until)),
        )
        paths = [document.path for document in self._store.query(query)]
        for first in range(0, len(paths), MAX_BATCH):
            some = paths[first : first + MAX_BATCH]
            self._store.write(*(Update(path, {"unread": False}) for path in some))
        return len(paths)

    def between(
        self, uid: str, after: datetime, until: datetime, limit: int
    ) -> tuple[list[Trigger], int]:
        """What was noticed of a person's behind `after`, up to `until`: the newest `limit`, and
        how many there are in all."""
        query = Query(
            f"users/{uid}/triggers",
            where=(("noticed_at", ">", after), ("noticed_at", "<=", until)),
            order_by=(("noticed_at", "descending"),),
        )
        newest = list(readable(Trigger, self._store.query(replace(query, limit=limit))))
        full = len(newest) == limit
        return newest, self._store.count(query) if full else len(newest)

    def each_due(self, now: datetime) -> Iterator[Trigger]:
        """Everybody's triggers with a delivery due at `now` or before, the longest due first."""
        return readable(Trigger, self._store.query(_due("triggers", now, group=True)))

    def each_due_of(self, uid: str, now: datetime) -> Iterator[Trigger]:
        """A person's triggers with a delivery due at `now` or before, the longest due first."""
        query = _due(f"users/{uid}/triggers", now, group=False)
        return readable(Trigger, self._store.query(query))

    def open_of(self, uid: str) -> list[Trigger]:
        """A person's triggers with a delivery that is still to be made, the longest due first."""
        query = Query(
            f"users/{uid}/triggers",
            where=(("open", "==", True),),
            order_by=(("due_at", "ascending"),),
        )
        return list(readable(Trigger, self._store.query(query)))


def _due(collection: str, now: datetime, *, group: bool) -> Query:
    return Query(
        collection,
        group=group,
        where=(("open", "==", True), ("due_at", "<=", now)),
        order_by=(("due_at", "ascending"),),
    )


def unread_triggers(uid: str, limit: int) -> Query:
    return Query(
        f"users/{uid}/triggers",
        where=(("unread", "==", True),),
        order_by=(("noticed_at", "descending"),),
        limit=limit,
    )
