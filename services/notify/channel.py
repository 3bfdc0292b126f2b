"""What the outbox asks of a channel: one way in which messages reach a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.store.triggers import Delivery, Trigger
from services.store.users import EMAIL, PUSH, DestinationKind, User


@dataclass(frozen=True, slots=True)
class Letter:
    """Triggers of one person that are one message, their deliveries all in the same state.

    `name` is the channel as the person has it: `email`, `push` or a destination's id.
    """

    user: User
    name: str
    triggers: Sequence[Trigger]

    @property
    def delivery(self) -> Delivery:
        return self.triggers[0].deliveries[self.name]


class Channel(Protocol):
    def together(self, waiting: int) -> int:
        """How many of so many triggers that wait are one message; at least one."""

    def absent_because(self, user: User, name: str) -> str | None:
        """Why nothing is sent to this person in this way, in plain words; None where it may be."""

    def is_held(self, user: User) -> bool:
        """Whether it waits for the person to confirm an address."""

    def send(self, letter: Letter, now: datetime) -> tuple[str, ...]:
        """Hand the message over; returns the ids of those of several receivers that have it by
        now, none where there is one only. Raises DeliveryError."""

    def send_test(self, user: User, name: str, now: datetime) -> str:
        """Send a real message that shows that it arrives; returns what came of it, in plain words.
        Raises DeliveryError."""

    def switched_off(self, user: User, name: str, reason: str, now: datetime) -> dict[str, object]:
        """The changes of a profile whose channel has said that it is gone."""


@dataclass(frozen=True, slots=True)
class Channels:
    """All ways in which this Bellwether can send."""

    email: Channel
    push: Channel | None = None
    destinations: Mapping[DestinationKind, Channel] | None = None

    def find(self, user: User, name: str) -> Channel | None:
        """The channel that a person has under that name; None where they have none."""
        if name == EMAIL:
            return self.email
        if name == PUSH:
            return self.push
        destination = user.destination(name)
        return (self.destinations or {}).get(destination.kind) if destination else None
