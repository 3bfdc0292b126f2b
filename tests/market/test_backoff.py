"""How long a source that refused is left alone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from redis import Redis

from services.errors import RateLimited
from services.market.backoff import Backoff
from tests.support.market import MONDAY


def later(seconds: float) -> datetime:
    return MONDAY + timedelta(seconds=seconds)


class Draws:
    """Draws the upper end, and remembers between what it was to draw."""

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []

    def __call__(self, low: float, high: float) -> float:
        self.spans.append((low, high))
        return high


@pytest.fixture
def draws() -> Draws:
    return Draws()


@pytest.fixture
def backoff(redis: Redis, draws: Draws) -> Backoff:
    return Backoff(redis, draw=draws)


def test_a_source_that_never_refused_may_be_asked(backoff: Backoff) -> None:
    backoff.check(MONDAY)
    assert backoff.delayed_since() is None


def test_after_a_refusal_it_is_left_alone_until_the_drawn_time(backoff: Backoff) -> None:
    backoff.failed(MONDAY)
    with pytest.raises(RateLimited, match="15:01:00 UTC"):
        backoff.check(later(59.9))
    backoff.check(later(60))


def test_each_further_refusal_doubles_the_longest_wait_up_to_fifteen_minutes(
    backoff: Backoff, draws: Draws
) -> None:
    for refusal in range(7):
        backoff.failed(later(refusal * 1000))
    assert draws.spans == [(30, high) for high in (60, 120, 240, 480, 900, 900, 900)]


def test_refusals_while_it_is_left_alone_anyway_count_once(backoff: Backoff, draws: Draws) -> None:
    for second in range(5):
        backoff.failed(later(second))
    assert len(draws.spans) == 1


def test_an_answer_forgets_all_refusals(backoff: Backoff, draws: Draws) -> None:
    backoff.failed(MONDAY)
    backoff.failed(later(1000))
    backoff.succeeded(later(2000))
    backoff.check(later(2000))
    backoff.failed(later(2001))
    assert draws.spans[-1] == (30, 60)
    assert backoff.delayed_since() == later(2001)


def test_an_answer_to_an_earlier_question_does_not_end_the_silence(backoff: Backoff) -> None:
    backoff.failed(later(1))
    backoff.succeeded(MONDAY)
    with pytest.raises(RateLimited):
        backoff.check(later(2))


def test_the_delay_is_told_from_the_first_refusal_on(backoff: Backoff) -> None:
    backoff.failed(MONDAY)
    backoff.failed(later(1000))
    assert backoff.delayed_since() == MONDAY


def test_all_processes_share_one_memory_and_sources_do_not(redis: Redis, backoff: Backoff) -> None:
    backoff.failed(MONDAY)
    with pytest.raises(RateLimited):
        Backoff(redis).check(later(1))
    Backoff(redis, name="news").check(later(1))


def test_refusals_of_many_processes_at_once_count_once(redis: Redis, draws: Draws) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Backoff(redis, draw=lambda a, b: b).failed(MONDAY), range(8)))
    Backoff(redis, draw=draws).failed(later(60))
    assert draws.spans == [(30, 120)]


def test_the_usual_draw_is_within_its_span(redis: Redis) -> None:
    Backoff(redis).failed(MONDAY)
    with pytest.raises(RateLimited):
        Backoff(redis).check(later(29.9))
    Backoff(redis).check(later(60))
