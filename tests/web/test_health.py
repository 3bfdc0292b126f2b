"""What load balancers ask."""

import pytest

from services.errors import StoreUnavailable
from tests.web.conftest import Reader
from tests.web.test_errors import failing, lose_redis


def test_a_process_that_answers_is_alive_whatever_else_is_away(anybody: Reader) -> None:
    lose_redis(anybody.site)
    answer = anybody.get("/health")
    assert (answer.status_code, answer.json) == (200, {"status": "alive"})


def test_it_is_ready_when_store_and_redis_answer(anybody: Reader) -> None:
    assert anybody.get("/ready").json == {"status": "ready"}


def test_a_store_that_is_away_is_named(anybody: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    store = anybody.site.services.store
    monkeypatch.setattr(store, "ping", failing(StoreUnavailable("The file is locked.")))
    answer = anybody.get("/ready")
    assert answer.status_code == 503
    assert answer.json == {"status": "not ready", "failing": {"store": "The file is locked."}}


def test_a_redis_that_is_away_is_named(anybody: Reader) -> None:
    lose_redis(anybody.site)
    answer = anybody.get("/ready")
    assert answer.status_code == 503
    assert answer.json
    assert set(answer.json["failing"]) == {"redis"}


def test_asking_makes_no_session(anybody: Reader) -> None:
    for path in ("/health", "/ready"):
        assert "Set-Cookie" not in anybody.get(path).headers


def test_a_store_that_answered_is_asked_again_after_30_seconds(
    anybody: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Firestore bills the question, and load balancers ask all the time."""
    asked: list[int] = []
    monkeypatch.setattr(anybody.site.services.store, "ping", lambda: asked.append(1))
    for _ in range(3):
        anybody.get("/ready")
    assert len(asked) == 1
    anybody.site.later(minutes=1)
    anybody.get("/ready")
    assert len(asked) == 2


def test_a_probe_of_live_learns_that_the_process_lives(anybody: Reader) -> None:
    """The address of the streams, too: those are of people who are signed in."""
    for _ in range(150):
        answer = anybody.get("/live")
        assert (answer.status_code, answer.json) == (200, {"status": "alive"})
    lose_redis(anybody.site)
    assert anybody.get("/live").status_code == 200


def test_a_page_whose_session_is_over_is_no_probe(anybody: Reader) -> None:
    assert anybody.get("/live?symbols=AAPL").status_code == 401
    assert anybody.get("/live", headers={"Accept": "text/event-stream"}).status_code == 401
