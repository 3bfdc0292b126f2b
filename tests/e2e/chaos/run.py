"""One run: three workers, people who set alerts, everything breaking; then a look back."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.alerts import recorder
from services.store.system import Shard, System
from tests.e2e.chaos.herd import Herd
from tests.e2e.chaos.judging import judge, triggers_of
from tests.e2e.chaos.oracle import Verdict
from tests.e2e.chaos.people import People
from tests.e2e.chaos.plan import Engine, Event, Fault, Plan, schedule
from tests.e2e.chaos.stage import SYMBOLS, Stage, stage
from tests.e2e.chaos.watch import Watch
from workers.parts import Parts

HERD = ("workers", "workers", "workers", "workers.clock", "workers.clock")
TICK_SECONDS = 0.05


@dataclass(frozen=True)
class Outcome:
    """What the engine got wrong, and figures of what was done to it."""

    verdict: Verdict
    figures: dict[str, object]


def run(
    engine: Engine,
    plan: Plan,
    seed: int,
    folder: Path,
    emulator: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """`emulator` is host:port of Google's emulator, for `firestore`; `say` is told of progress."""
    began, luck = time.monotonic(), random.Random(seed)
    with stage(engine, plan, folder, emulator) as here:
        people = People(here.services, here.provider, SYMBOLS, plan.alerts, plan.seconds, luck)
        watch = Watch(System(here.services.store), here.provider.name, SYMBOLS, plan.shards)
        herd = Herd(here.environment, here.log)
        uids = people.sign_up()
        watch.begin()
        try:
            for module in HERD:
                herd.start(module)
            people.begin(uids)
            done = _break(here, herd, schedule(plan, luck), plan, say)
        finally:
            people.end()
            herd.end()
            watch.end()
        rung_by_workers = sum(map(len, triggers_of(here.services, uids).values()))
        say(f"{time.monotonic() - began:6.1f} s: all are ended")
        frozen = _come_to_rest(here, plan)
        say(f"{time.monotonic() - began:6.1f} s: at rest")
        verdict, told = judge(
            here.services, here.provider, people.wishes, uids, watch.checks(), frozen
        )
        sent = Counter(str(message["Message-ID"]) for message in here.mailbox.accepted)
        figures = {
            "engine": engine,
            "seed": seed,
            "shards": plan.shards,
            **done,
            "killed": sum(herd.killed.values()) + done["Redis killed"],
            "ended by themselves": sum(herd.restarted.values()),
            "refused to people": people.refusals,
            "finished checks": watch.count,
            "longest without one, s": round(watch.longest_blindness(frozen), 1),
            "rung by workers": rung_by_workers,
            **told,
            "mails": sent.total(),
            "mails sent twice": sent.total() - len(sent),
            "seconds": round(time.monotonic() - began),
        }
    return Outcome(verdict, figures)


def _break(
    here: Stage, herd: Herd, events: Sequence[Event], plan: Plan, say: Callable[[str], None]
) -> dict[str, int]:
    """Let everything on the plan happen at its time, and start again what ends meanwhile."""
    began, luck, done = time.monotonic(), random.Random(len(events)), Counter[str]()
    left = list(events)
    while (passed := time.monotonic() - began) < plan.seconds + plan.calm_seconds or left:
        while left and left[0].at <= passed:
            event = left.pop(0)
            name = _do(event.fault, here, herd, luck)
            done[name] += bool(name)
            say(f"{datetime.now(UTC):%H:%M:%S.%f} {name or event.fault}")
        herd.look_after()
        time.sleep(TICK_SECONDS)
    return {name: done[name] for name in sorted(done) if name}


def _do(fault: Fault, here: Stage, herd: Herd, luck: random.Random) -> str:
    """Returns what was done; a dead Redis is not killed again, nor emptied otherwise than dead."""
    redis = here.redis
    match fault:
        case "kill workers" | "kill workers.clock":
            module = fault.removeprefix("kill ")
            herd.kill_one(module, luck)
            return f"{module} killed"
        case "kill redis" if not redis.is_dead:
            redis.kill()
            return "Redis killed"
        case "forget redis" if redis.is_dead:
            redis.forget()
            return "Redis emptied"
        case "empty redis" | "forget redis":
            return "Redis emptied" if _emptied(here) else ""
        case "revive redis" if redis.is_dead:
            redis.start()
        case "begin outage":
            here.outage.begin()
            return "store outages"
        case "end outage":
            here.outage.end()
    return ""


def _emptied(here: Stage) -> bool:
    """By FLUSHALL or, where it is dead just now, by the loss of its file."""
    if here.redis.is_dead:
        here.redis.forget()
        return True
    here.redis.await_answer()
    return bool(here.services.redis.flushall())


def _come_to_rest(here: Stage, plan: Plan) -> datetime:
    """Checks at one moment, and a sweep of what the dead left less than a minute ago."""
    here.redis.await_answer()
    parts, now = Parts(here.services, here.provider), datetime.now(UTC)
    patient, recorder.LEFT_BEHIND = recorder.LEFT_BEHIND, timedelta(0)
    try:
        for _ in range(3):
            parts.recorder.sweep()
            parts.checker.prepare(now, plan.shards)
            for number in range(plan.shards):
                report = parts.checker.run_shard(Shard(number, plan.shards), now)
                assert report.unchecked == {}, report
    finally:
        recorder.LEFT_BEHIND = patient
    return now
