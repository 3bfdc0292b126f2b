"""A channel that keeps what it is handed, and answers as a test has told it to."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from services.errors import DeliveryError
from services.notify.channel import Letter
from services.notify.deliveries import identity
from services.store.triggers import Trigger
from services.store.users import User


@dataclass
class RecordingChannel:
    """`answers` are raised one by one, None accepts; after the last all is accepted. `meanwhile`
    runs while a message is on its way."""

    answers: deque[BaseException | None] = field(default_factory=deque)
    together_from: int = 1
    limit: int = 100
    absent: str | None = None
    held: bool = False
    off: dict[str, object] = field(default_factory=dict)
    reached: tuple[str, ...] = ()
    meanwhile: Callable[[], object] | None = None
    tried: list[tuple[str, ...]] = field(default_factory=list)
    accepted: list[tuple[str, ...]] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)

    def answer(self, *answers: BaseException | None) -> None:
        self.answers.extend(answers)

    def together(self, waiting: int) -> int:
        return min(waiting, self.limit) if waiting >= self.together_from else 1

    def absent_because(self, user: User, name: str) -> str | None:
        return self.absent

    def is_held(self, user: User) -> bool:
        return self.held

    def send(self, letter: Letter, now: datetime) -> tuple[str, ...]:
        message = tuple(identity(trigger, letter.name) for trigger in letter.triggers)
        self.tried.append(message)
        self.letters.append(letter)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.answers and (error := self.answers.popleft()) is not None:
            raise error
        self.accepted.append(message)
        return self.reached

    def send_test(self, user: User, name: str, now: datetime) -> str:
        raise AssertionError("No test message is asked for here.")

    def switched_off(self, user: User, name: str, reason: str, now: datetime) -> dict[str, object]:
        return self.off


def refused(reason: str = "no") -> DeliveryError:
    """An answer that no retry changes."""
    return DeliveryError(reason, permanent=True)


def busy(*reached: str) -> DeliveryError:
    """An answer that a retry may change; `reached` have the message."""
    return DeliveryError("busy", reached=reached)


def silent() -> DeliveryError:
    """No answer, to anybody."""
    return DeliveryError("no answer", unreachable=True)


def states(trigger: Trigger) -> dict[str, str]:
    """Of a trigger's deliveries, by channel."""
    return {name: delivery.state for name, delivery in trigger.deliveries.items()}
