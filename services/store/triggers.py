"""Triggers: `users/{uid}/triggers/{alert}-{epoch}`, with the state of their deliveries."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from services.alerts.conditions import Condition
from services.errors import NotFound
from services.store.contract import Cursor, Query, Store
from services.store.paging import page_of
from services.store.record import Record, readable

DeliveryState: TypeAlias = Literal["pending", "held", "sending", "retry", "sent", "failed"]
PAGE = 50


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

    @property
    def level(self) -> float:
        return self.condition.target.level

    def with_delivery(self, channel: str, delivery: Delivery) -> "Trigger":
        """With a channel's new state; `open` and `due_at` follow from all channels'."""
        deliveries = {**self.deliveries, channel: delivery}
        due = [d.due_at for d in deliveries.values() if d.due_at is not None]
        return self.model_copy(
            update={
                "deliveries": deliveries,
                "open": bool(due),
                "due_at": min(due, default=None),
            }
        )


def trigger_path(uid: str, trigger_id: str) -> str:
    return f"users/{uid}/triggers/{trigger_id}"


class Triggers:
    """Reads triggers. They are created by the recorder and changed by the outbox."""

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
    ) -> tuple[list[Trigger], Cursor | None]:
        """Newest first, and the cursor of the next page; of one alert if `alert_id` is given, or
        of one `symbol`, but not of both."""
        named = ("alert_id", alert_id) if alert_id else ("symbol", symbol) if symbol else None
        query = Query(
            f"users/{uid}/triggers",
            where=((named[0], "==", named[1]),) if named else (),
            order_by=(("noticed_at", "descending"),),
            limit=limit + 1,
            after=after,
        )
        return page_of(self._store, query, limit, Trigger)

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
        return self._due("triggers", now, group=True)

    def each_due_of(self, uid: str, now: datetime) -> Iterator[Trigger]:
        """A person's triggers with a delivery due at `now` or before, the longest due first."""
        return self._due(f"users/{uid}/triggers", now, group=False)

    def _due(self, collection: str, now: datetime, *, group: bool) -> Iterator[Trigger]:
        query = Query(
            collection,
            group=group,
            where=(("open", "==", True), ("due_at", "<=", now)),
            order_by=(("due_at", "ascending"),),
        )
        return readable(Trigger, self._store.query(query))

    def open_of(self, uid: str) -> list[Trigger]:
        """A person's triggers with a delivery that is still to be made, the longest due first."""
        query = Query(
            f"users/{uid}/triggers",
            where=(("open", "==", True),),
            order_by=(("due_at", "ascending"),),
        )
        return list(readable(Trigger, self._store.query(query)))
