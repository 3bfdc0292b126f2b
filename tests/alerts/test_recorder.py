"""From entries of the stream to triggers in the store: in batches, once, whatever breaks."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from redis import Redis

from services.alerts.conditions import PriceCondition
from services.alerts.evidence import Evidence
from services.alerts.index import FIRED, ArmedIndex, Member
from services.alerts.intervals import Interval, Reading, Step
from services.alerts.recorder import GROUP, Recorder
from services.errors import Contention, StoreUnavailable
from services.store.alerts import Alert
from services.store.contract import Create, Delete, Update
from tests.support.bell import Bell
from tests.support.market import RecordingJobs, make_quote
from workers.queues import PUSH, RqJobs

RISES_TO_110 = PriceCondition(kind="price_rises_to", level=110)


def armed(bell: Bell, number: int, **fields: Any) -> Alert:
    """An alert that is in the store alone, as one is that was claimed."""
    return Alert(
        uid=bell.uid,
        id=f"A{number:05}",
        **{
            "symbol": "AAPL",
            "condition": RISES_TO_110,
            "state": "armed",
            "epoch": 1,
            "created_at": bell.at,
            "updated_at": bell.at,
            "armed_at": bell.at,
            "baseline": Reading.of(make_quote(price=100.0)),
        }
        | fields,
    )


def stored(bell: Bell, count: int, **fields: Any) -> list[Alert]:
    alerts = [armed(bell, number, **fields) for number in range(count)]
    for start in range(0, count, 200):
        part = alerts[start : start + 200]
        bell.services.store.write(*(Create(alert.path, alert.fields()) for alert in part))
    return alerts


def evidence(bell: Bell, high: float = 111.0, **fields: Any) -> Evidence:
    """The price went from 100 up to `high` in the five minutes that end now."""
    since, until = bell.at, bell.at + timedelta(minutes=5)
    rises = (Step(at=since, value=100.0), Step(at=until, value=high))
    interval = Interval(since=since, until=until, rises=rises, falls=rises[:1])
    present = Reading.of(make_quote(price=high, as_of=until))
    plain = {"symbol": "AAPL", "metric": "price", "interval": interval, "present": present}
    return Evidence(**{**plain, "noticed_at": until, **fields})


def claim(redis: Redis, alerts: Iterable[Alert], found: Evidence) -> None:
    members = " ".join(str(Member.of(alert)) for alert in alerts)
    redis.xadd(FIRED, {"alerts": members, "evidence": found.model_dump_json()})


@pytest.fixture
def recorder(bell: Bell, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A recorder that takes over at once what another one left."""
    monkeypatch.setattr("services.alerts.recorder.LEFT_BEHIND", timedelta(0))
    return bell.parts.recorder


def all_triggers(bell: Bell) -> list[str]:
    triggers, cursor = bell.services.triggers.page(bell.uid, limit=400)
    while cursor:
        more, cursor = bell.services.triggers.page(bell.uid, cursor, limit=400)
        triggers += more
    return sorted(trigger.id for trigger in triggers)


def test_one_entry_of_many_alerts_gives_each_its_trigger(
    bell: Bell, redis: Redis, recorder: Recorder
) -> None:
    alerts = stored(bell, 100)
    claim(redis, alerts, evidence(bell))
    assert recorder.drain() == 100
    assert all_triggers(bell) == [f"{alert.id}-1" for alert in alerts]
    assert {bell.now_of(alert).state for alert in alerts} == {"triggered"}
    assert bell.jobs.dispatched == [bell.uid]
    assert redis.xlen(FIRED) == 0


def test_an_entry_gives_each_alert_the_evidence_in_its_line(
    bell: Bell, redis: Redis, recorder: Recorder
) -> None:
    alerts = stored(bell, 4)
    names = [str(Member.of(alert)) for alert in alerts]
    lines = ["", names[0], " ".join(names[1:3]), "", names[3]]
    found = [evidence(bell, high=111.0 + place).model_dump_json() for place in range(len(lines))]
    redis.xadd(FIRED, {"alerts": "\n".join(lines), "evidence": "\n".join(found)})
    assert recorder.unrecorded() == {"AAPL"}
    assert recorder.drain() == 4
    triggers, _ = bell.services.triggers.page(bell.uid)
    values = {trigger.alert_id: trigger.value for trigger in triggers}
    assert [values[alert.id] for alert in alerts] == [112.0, 113.0, 113.0, 115.0]
    assert redis.xlen(FIRED) == 0


@pytest.mark.parametrize("evidences", [1, 3])
def test_an_entry_with_other_lines_of_alerts_than_of_evidence_stays(
    bell: Bell, redis: Redis, recorder: Recorder, evidences: int
) -> None:
    names = [str(Member.of(alert)) for alert in stored(bell, 2)]
    text = "\n".join([evidence(bell).model_dump_json()] * evidences)
    redis.xadd(FIRED, {"alerts": "\n".join(names), "evidence": text})
    assert recorder.drain() == 0
    assert redis.xlen(FIRED) == 1


def test_an_entry_of_the_version_before_is_recorded_too(
    bell: Bell, redis: Redis, recorder: Recorder
) -> None:
    (alert,) = stored(bell, 1)
    text = evidence(bell).model_dump_json()
    redis.xadd(FIRED, {"alert": str(Member.of(alert)), "evidence": text})
    assert recorder.drain() == 1


def test_the_same_entry_twice_gives_one_trigger(
    bell: Bell, redis: Redis, recorder: Recorder
) -> None:
    alerts = stored(bell, 3)
    claim(redis, [*alerts, *alerts], evidence(bell))
    claim(redis, reversed(alerts), evidence(bell, high=112))
    assert recorder.drain() == 3
    assert recorder.sweep() == 0
    assert len(all_triggers(bell)) == 3


def test_of_a_hundred_alerts_in_one_entry_those_that_moved_on_meanwhile_ring_nothing(
    bell: Bell, redis: Redis, recorder: Recorder
) -> None:
    alerts = stored(bell, 100)
    store = bell.services.store
    store.write(*(Delete(alert.path) for alert in alerts[:10]))
    store.write(*(Update(alert.path, {"state": "paused"}) for alert in alerts[10:20]))
    store.write(*(Update(alert.path, {"epoch": 2}) for alert in alerts[20:30]))
    higher = PriceCondition(kind="price_rises_to", level=120).model_dump()
    store.write(*(Update(alert.path, {"condition": higher}) for alert in alerts[30:40]))
    claim(redis, alerts, evidence(bell))
    assert recorder.drain() == 60
    assert all_triggers(bell) == [f"{alert.id}-1" for alert in alerts[40:]]
    waiting = {name.split("/")[1] for name in ArmedIndex(redis).fresh("AAPL")}
    assert waiting == {alert.id for alert in alerts[20:40]}, "what is armed still is held again"
    assert redis.xlen(FIRED) == 0


def test_an_alert_that_cannot_be_read_stops_no_other_and_stays_in_the_stream(
    bell: Bell, redis: Redis, recorder: Recorder
) -> None:
    alerts = stored(bell, 10)
    bell.services.store.write(Update(alerts[3].path, {"from_the_future": 1}))
    claim(redis, alerts, evidence(bell))
    claim(redis, stored_more(bell, 10, 5), evidence(bell))
    assert recorder.drain() == 14
    assert redis.xlen(FIRED) == 1
    assert recorder.unrecorded() == {"AAPL"}


def stored_more(bell: Bell, start: int, count: int) -> list[Alert]:
    alerts = [armed(bell, number) for number in range(start, start + count)]
    bell.services.store.write(*(Create(alert.path, alert.fields()) for alert in alerts))
    return alerts


def test_an_alert_that_others_fight_for_stops_no_other(
    bell: Bell, redis: Redis, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = stored(bell, 20)
    claim(redis, alerts[:10], evidence(bell))
    claim(redis, alerts[10:], evidence(bell))
    real = Recorder._record

    def contended(self: Recorder, claims: Sequence[Any]) -> Any:
        if any(claim.path == alerts[7].path for claim in claims):
            raise Contention("others were faster until the deadline")
        return real(self, claims)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "_record", contended)
        assert recorder.drain() == 19
    assert redis.xlen(FIRED) == 1
    assert recorder.sweep() == 1
    assert redis.xlen(FIRED) == 0


def test_a_trigger_restored_beside_its_alert_from_before_it_is_not_made_twice(
    bell: Bell, redis: Redis, recorder: Recorder
) -> None:
    alerts = stored(bell, 5)
    claim(redis, alerts, evidence(bell))
    assert recorder.drain() == 5
    before = alerts[2]
    bell.services.store.write(Update(before.path, before.fields()))
    bell.jobs.dispatched.clear()
    claim(redis, [before, *stored_more(bell, 5, 2)], evidence(bell))
    assert recorder.drain() == 2
    assert bell.now_of(before).state == "triggered"
    assert bell.jobs.dispatched == [bell.uid]


@pytest.mark.parametrize("where", ["_record", "_follow", "_acknowledge"])
@pytest.mark.parametrize("frequency", ["once", "daily", "every"])
@pytest.mark.parametrize("after", [False, True])
def test_a_recorder_that_dies_loses_and_doubles_nothing(
    bell: Bell,
    redis: Redis,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    frequency: str,
    after: bool,
) -> None:
    alerts = stored(bell, 4, frequency=frequency)
    claim(redis, alerts, evidence(bell))
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, where, dying(getattr(Recorder, where), after))
        with pytest.raises(KeyboardInterrupt):
            recorder.drain()
    recorder.sweep()
    assert len(all_triggers(bell)) == 4
    assert redis.xlen(FIRED) == 0
    held = set(ArmedIndex(redis).fresh("AAPL"))
    again = [bell.now_of(alert) for alert in alerts] if frequency != "once" else []
    assert held == {str(Member.of(alert)) for alert in again}
    assert recorder.sweep() == 0


def dying(real: Callable[..., Any], after: bool) -> Callable[..., Any]:
    def die(*args: Any) -> Any:
        if after:
            real(*args)
        raise KeyboardInterrupt

    return die


def test_while_the_store_is_away_everything_stays_in_the_stream(
    bell: Bell, redis: Redis, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = stored(bell, 250)
    for start in range(0, 250, 50):
        claim(redis, alerts[start : start + 50], evidence(bell))
    asked = []

    def away(*_: Any) -> Any:
        asked.append(1)
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(type(bell.services.store), "transact", away)
        assert recorder.drain() == 0
    assert len(asked) == 1, "one attempt tells enough"
    assert recorder.sweep() == 250
    assert redis.xlen(FIRED) == 0


def test_two_recorders_at_once_share_the_work_and_double_nothing(
    bell: Bell, redis: Redis, recorder: Recorder
) -> None:
    alerts = stored(bell, 300)
    for start in range(0, 300, 20):
        claim(redis, alerts[start : start + 20], evidence(bell))
        claim(redis, alerts[start : start + 20], evidence(bell, high=112))
    created: list[int] = []
    threads = [Thread(target=lambda: created.append(bell.parts.recorder.sweep())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.sweep()
    assert len(all_triggers(bell)) == 300
    assert redis.xlen(FIRED) == 0
    assert set(bell.jobs.dispatched) == {bell.uid}


def test_an_entry_of_nothing_that_anybody_knows_stays(redis: Redis, recorder: Recorder) -> None:
    redis.xadd(FIRED, {"what": "else"})
    assert recorder.sweep() == 0
    assert recorder.unrecorded() == set()
    assert redis.xlen(FIRED) == 1
    assert redis.xpending(FIRED, GROUP)["pending"] == 1


def test_what_recording_asks_of_the_store_and_redis_grows_with_batches_not_with_alerts(
    bell: Bell, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many that makes a second is measured by bench/record.py."""
    store, jobs = bell.services.store, RqJobs(redis)
    recorder = Recorder(redis, ArmedIndex(redis), store, jobs)
    alerts = stored(bell, 600)
    for start in range(0, len(alerts), 50):
        claim(redis, alerts[start : start + 50], evidence(bell))
    transactions = []
    real = type(store).transact
    monkeypatch.setattr(
        type(store), "transact", lambda *args: transactions.append(1) or real(*args)
    )
    redis.config_resetstat()  # the server is shared with other tests of this process
    assert recorder.drain() == 600
    assert len(transactions) == 6
    calls = {name: stat["calls"] for name, stat in redis.info("commandstats").items()}
    assert calls["cmdstat_exec"] <= 3 * 6
    assert "cmdstat_lpos" not in calls
    assert redis.llen(f"rq:queue:{PUSH}") == 1


def test_nothing_is_sent_before_all_that_rang_together_is_recorded(
    bell: Bell, redis: Redis, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one person's triggers of one check would be several mails."""
    alerts = stored(bell, 250)
    for start in range(0, 250, 25):
        claim(redis, alerts[start : start + 25], evidence(bell))
    recorded: list[int] = []
    real = type(bell.jobs).dispatch

    def enqueue(jobs: RecordingJobs, uids: Sequence[str]) -> None:
        recorded.append(len(all_triggers(bell)))
        real(jobs, uids)

    monkeypatch.setattr(type(bell.jobs), "dispatch", enqueue)
    assert recorder.drain() == 250
    assert recorded == [250]
    assert bell.jobs.dispatched == [bell.uid]
