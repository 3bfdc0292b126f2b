"""A real message to one channel at its owner's wish, and what came of it.

A worker sends it; the page that asked finds the outcome in Redis, where it stays for some minutes.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from services.errors import DeliveryError
from services.ids import new_id
from services.jobs import Jobs
from services.notify.channel import Channel, Channels
from services.notify.deliveries import MAX_ERROR
from services.store.users import User, Users
from services.texts import N_, speaking
from services.texts import gettext as _

KEPT = timedelta(minutes=10)
WAIT = 6.0
"""Seconds that a page waits for the outcome."""
_POLL = 0.05
_UNCONFIRMED = N_(
    "Confirm your address first: until then nothing but the link to confirm it is sent."
)
_GONE = N_("There is no such channel any more.")


class Trial(BaseModel):
    """A test of a channel. `ok` is None, and `words` empty, until there is an outcome."""

    model_config = ConfigDict(frozen=True)

    id: str
    at: datetime
    ok: bool | None = None
    words: str = ""


class Trials:
    """Every method may raise redis.RedisError."""

    def __init__(
        self,
        redis: Redis,
        jobs: Jobs,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._jobs = jobs
        self._sleep = sleep
        self._monotonic = monotonic

    def begin(self, uid: str, name: str, now: datetime, wait: float = WAIT) -> Trial:
        """Have a test sent, and return it with its outcome, should that come within `wait` s."""
        trial = Trial(id=new_id(now), at=now)
        self.keep(uid, name, trial)
        self._jobs.try_channel(uid, name, trial.id)
        ends = self._monotonic() + wait
        found = self.of(uid, [name]).get(name, trial)
        while found.id == trial.id and found.ok is None and self._monotonic() < ends:
            self._sleep(_POLL)
            found = self.of(uid, [name]).get(name, trial)
        return found

    def of(self, uid: str, names: Sequence[str]) -> dict[str, Trial]:
        """The last test of each channel that was tested within KEPT."""
        texts = self._redis.mget([_key(uid, name) for name in names])
        found = {name: _read(text) for name, text in zip(names, texts, strict=True)}
        return {name: trial for name, trial in found.items() if trial is not None}

    def keep(self, uid: str, name: str, trial: Trial) -> None:
        self._redis.set(_key(uid, name), trial.model_dump_json(), ex=KEPT)


class TrialRunner:
    """Sends what was asked for. Every method may raise StoreError and redis.RedisError."""

    def __init__(self, users: Users, channels: Channels, trials: Trials) -> None:
        self._users = users
        self._channels = channels
        self._trials = trials

    def run(self, uid: str, name: str, trial_id: str, now: datetime) -> Trial:
        """Send the test and keep what came of it, whatever that is."""
        user = self._users.get(uid)
        channel = self._channels.find(user, name) if user else None
        try:
            with speaking(user.language if user else None):
                ok, words = True, _sent(channel, user, name, now)
        except DeliveryError as error:
            ok, words = False, str(error)
        trial = Trial(id=trial_id, at=now, ok=ok, words=words[:MAX_ERROR])
        self._trials.keep(uid, name, trial)
        return trial


def _sent(channel: Channel | None, user: User | None, name: str, now: datetime) -> str:
    if channel is None or user is None:
        raise DeliveryError(_(_GONE), permanent=True)
    if channel.is_held(user):
        raise DeliveryError(_(_UNCONFIRMED), permanent=True)
    return channel.send_test(user, name, now)


def _key(uid: str, name: str) -> str:
    return f"trial:{uid}:{name}"


def _read(text: bytes | str | None) -> Trial | None:
    try:
        return Trial.model_validate_json(text) if text is not None else None
    except ValidationError:  # written by another version
        return None
