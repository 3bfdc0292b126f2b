"""Tests of channels at their owners' wish, on a real Redis."""

from datetime import timedelta
from itertools import count

import pytest
from redis import Redis

from services.errors import DeliveryError
from services.notify.channel import Channels, Letter
from services.notify.deliveries import MAX_ERROR
from services.notify.trials import KEPT, Trial, TrialRunner, Trials
from services.store.contract import Store
from services.store.users import User, Users
from tests.support.market import MONDAY, RecordingJobs

UID = "01KJQH0CC03EJMYGGW2JSQC64S"


class Told:
    """A channel that says what the test wrote into it."""

    def __init__(self, said: str | DeliveryError = "It took the test.") -> None:
        self.said = said
        self.tested: list[str] = []

    def together(self, waiting: int) -> int:
        return waiting

    def absent_because(self, user: User, name: str) -> str | None:
        return None

    def is_held(self, user: User) -> bool:
        return user.confirmed_at is None

    def send(self, letter: Letter, now: object) -> tuple[str, ...]:
        return ()

    def send_test(self, user: User, name: str, now: object) -> str:
        self.tested.append(name)
        if isinstance(self.said, DeliveryError):
            raise self.said
        return self.said

    def switched_off(self, *_: object) -> dict[str, object]:
        return {}


@pytest.fixture
def users(chosen_store: Store) -> Users:
    users = Users(chosen_store)
    ada = User(
        uid=UID,
        email="ada@example.com",
        password_hash="",
        created_at=MONDAY,
        confirmed_at=MONDAY,
    )
    users.create(ada)
    return users


def patient(redis: Redis, jobs: RecordingJobs) -> Trials:
    """Trials for which a second passes whenever they look at the clock."""
    seconds = count()
    return Trials(redis, jobs, lambda _: None, lambda: float(next(seconds)))


def worker_with(redis: Redis, users: Users, channel: Told) -> TrialRunner:
    return TrialRunner(users, Channels(email=channel), Trials(redis, RecordingJobs()))


def outcome(redis: Redis, name: str = "email") -> Trial:
    return Trials(redis, RecordingJobs()).of(UID, [name])[name]


def test_a_test_that_nobody_sends_in_time_is_shown_as_being_tried(redis: Redis) -> None:
    jobs = RecordingJobs()
    trial = patient(redis, jobs).begin(UID, "email", MONDAY)
    assert (trial.ok, trial.words) == (None, "")
    assert jobs.trials == [(UID, "email", trial.id)]
    assert outcome(redis) == trial


def test_the_outcome_is_waited_for(redis: Redis, users: Users) -> None:
    jobs = RecordingJobs()
    worker = worker_with(redis, users, Told("It took the test."))
    seconds = count()

    def work(_: float) -> None:
        worker.run(*jobs.trials[0], MONDAY)

    trials = Trials(redis, jobs, work, lambda: float(next(seconds)))
    trial = trials.begin(UID, "email", MONDAY)
    assert (trial.ok, trial.words) == (True, "It took the test.")


def test_an_error_is_given_back_in_its_own_words(redis: Redis, users: Users) -> None:
    worker_with(redis, users, Told(DeliveryError("The mailbox is full."))).run(
        UID, "email", "1", MONDAY
    )
    assert (outcome(redis).ok, outcome(redis).words) == (False, "The mailbox is full.")


def test_what_a_server_answers_is_bounded(redis: Redis, users: Users) -> None:
    worker_with(redis, users, Told(DeliveryError("x" * 10_000))).run(UID, "email", "1", MONDAY)
    assert len(outcome(redis).words) == MAX_ERROR


@pytest.mark.parametrize("name", ["push", "d01KJQH0CC03EJMYGGW2JSQC64S"])
def test_a_channel_that_is_not_there_says_so(redis: Redis, users: Users, name: str) -> None:
    worker_with(redis, users, Told()).run(UID, name, "1", MONDAY)
    assert outcome(redis, name).words == "There is no such channel any more."


def test_an_account_that_is_gone_is_no_fault(redis: Redis, users: Users) -> None:
    trial = worker_with(redis, users, Told()).run(UID[:-1] + "T", "email", "1", MONDAY)
    assert trial.ok is False


def test_nothing_is_sent_to_an_address_that_is_not_confirmed(redis: Redis, users: Users) -> None:
    users.update(UID, confirmed_at=None)
    channel = Told()
    worker_with(redis, users, channel).run(UID, "email", "1", MONDAY)
    assert channel.tested == []
    assert "Confirm your address first" in outcome(redis).words


def test_an_outcome_is_forgotten_after_a_while(redis: Redis) -> None:
    patient(redis, RecordingJobs()).begin(UID, "email", MONDAY)
    assert timedelta(seconds=0) < timedelta(seconds=redis.ttl(f"trial:{UID}:email")) <= KEPT


def test_what_another_version_wrote_is_passed_over(redis: Redis) -> None:
    redis.set(f"trial:{UID}:email", "{}")
    assert Trials(redis, RecordingJobs()).of(UID, ["email", "push"]) == {}
