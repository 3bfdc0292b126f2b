"""Whatever channels answer and wherever workers die: nothing is lost, and what was clearly taken
is not sent again."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from services.notify.channel import Channels
from services.notify.outbox import Outbox
from services.store.sqlite import SqliteStore
from tests.notify.recording import RecordingChannel, busy, refused, silent
from tests.support.bell import Bell, make_bell

pytestmark = pytest.mark.slow

STEPS = 40
FAULTS = st.sampled_from(["accept", "busy", "refused", "silent", "dies before", "dies after"])


class Killed(BaseException):
    """What happens to a worker at kill -9."""


class FaultyChannel(RecordingChannel):
    """Meets the faults of a plan; `clearly` counts what a worker knows to be accepted."""

    def plan(self, faults: list[str]) -> None:
        self.faults = faults
        self.clearly: Counter[str] = Counter()

    def send(self, letter: object, now: object) -> tuple[str, ...]:
        fault = self.faults.pop(0) if self.faults else "accept"
        if fault in ("busy", "refused", "silent"):
            self.answer({"busy": busy, "refused": refused, "silent": silent}[fault]())
        if fault == "dies before":
            raise Killed
        reached = super().send(letter, now)  # type: ignore[arg-type]
        if fault == "dies after":
            raise Killed
        self.clearly.update(self.accepted[-1])
        return reached


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    mails=st.lists(FAULTS, max_size=12),
    pushes=st.lists(FAULTS, max_size=12),
    rings=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    both=st.booleans(),
)
def test_nothing_is_lost_and_what_was_clearly_taken_is_not_sent_again(
    redis: Redis, mails: list[str], pushes: list[str], rings: list[int], both: bool
) -> None:
    redis.flushall()
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.sqlite3")
        bell = make_bell(store, redis)
        email, push = FaultyChannel(), FaultyChannel(together_from=3)
        email.plan(list(mails))
        push.plan(list(pushes))
        channels = ("push", "email") if both else ("push",)
        bell.services.users.update(bell.uid, channels=channels, fallback=("email",))
        outbox = Outbox(store, Channels(email, push), bell.jobs, luck=lambda: 0.5)
        for number in range(STEPS):
            for _ in range(rings[number] if number < len(rings) else 0):
                bell.price(100.0)
                bell.alert("price_rises_to", 90, if_true="fire_now")
            _survive(bell, outbox)
            bell.later(1 if number < STEPS / 2 else 600)
        _agree(bell, email, push)
        store.close()


def _survive(bell: Bell, outbox: Outbox) -> None:
    try:
        bell.sweep(outbox)
    except Killed:
        bell.jobs.delivered.clear()


def _agree(bell: Bell, email: FaultyChannel, push: FaultyChannel) -> None:
    for name, channel in (("email", email), ("push", push)):
        assert set(channel.clearly.values()) <= {1}, name
    for trigger in bell.triggers():
        assert not trigger.open
        states = {name: one.state for name, one in trigger.deliveries.items()}
        assert set(states.values()) <= {"sent", "failed"}
        assert "sent" in states.values() or states.keys() == {"push", "email"}
        for name, channel in (("email", email), ("push", push)):
            if channel.clearly[trigger.id]:
                assert states[name] == "sent"
            if states.get(name) == "sent":
                assert any(trigger.id in message for message in channel.accepted)
