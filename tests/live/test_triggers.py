"""From the recorder to open pages: told once recorded, and never at the cost of recording."""

import json
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from services.live.triggers import KEPT_OF_EACH, TRIGGERS, stream_of, tell_of_triggers
from tests.support.bell import Bell


@pytest.fixture
def told(redis: Redis) -> Any:
    """What is told of triggers from now on."""
    with redis.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(TRIGGERS)
        heard.get_message(timeout=5)
        yield heard


def ring(bell: Bell) -> None:
    bell.price(100.0)
    bell.alert("price_rises_to", 110.0, note="<b>Sell</b>")
    bell.check_at(111.0)
    bell.parts.recorder.drain()


def test_what_is_recorded_is_told_with_its_place_and_owner(bell: Bell, told: Any) -> None:
    ring(bell)
    (trigger,) = bell.triggers()
    place, uid, text = told.get_message(timeout=5)["data"].split(b" ", 2)
    assert uid.decode() == bell.uid
    news = json.loads(text)
    assert (news["id"], news["symbol"], news["level"]) == (trigger.id, "AAPL", 110.0)
    kept = bell.services.redis.xrange(stream_of(bell.uid))
    assert [(name, fields[b"trigger"]) for name, fields in kept] == [(place, text)]


def test_a_note_is_told_to_no_channel(bell: Bell, told: Any) -> None:
    ring(bell)
    assert b"Sell" not in told.get_message(timeout=5)["data"]


def test_the_newest_twenty_are_kept_for_a_day(bell: Bell) -> None:
    ring(bell)
    (trigger,) = bell.triggers()
    tell_of_triggers(bell.services.redis, [trigger] * (KEPT_OF_EACH + 7))
    redis = bell.services.redis
    assert redis.xlen(stream_of(bell.uid)) == KEPT_OF_EACH
    assert 0 < redis.ttl(stream_of(bell.uid)) <= timedelta(days=1).total_seconds()


def test_who_is_not_heard_loses_no_trigger(
    bell: Bell, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(*_: object) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(bell.services.redis, "eval", gone)
    ring(bell)
    assert len(bell.triggers()) == 1
    assert "Open pages are not told of 1 triggers" in caplog.text
