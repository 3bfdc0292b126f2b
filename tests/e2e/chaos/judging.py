"""A look back: every alert that was wished for, held against the tape of the market."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from services.alerts.index import ArmedIndex
from services.alerts.reconcile import reconcile
from services.container import Services
from services.market.provider import Provider
from services.store.alerts import Alert
from services.store.contract import Cursor
from services.store.triggers import Trigger
from tests.e2e.chaos.oracle import Oracle, Verdict, Wish
from tests.e2e.chaos.tape import Tape

PAGE = 500
R = TypeVar("R", Alert, Trigger)


def judge(
    services: Services,
    provider: Provider,
    wishes: Sequence[Wish],
    uids: Sequence[str],
    checks: Mapping[str, Sequence[datetime]],
    now: datetime,
) -> tuple[Verdict, dict[str, object]]:
    """What the engine got wrong, and figures; `checks` are those of the oracle."""
    since = min(wish.since for wish in wishes) - timedelta(hours=8)
    tapes = {symbol: Tape(provider, symbol, since, now) for symbol in checks}
    oracle = Oracle(tapes, checks, provider.market_time, provider.market_time(now))
    stored, triggers = _alerts(services, uids), triggers_of(services, uids)
    verdict, rung = Verdict(), sum(map(len, triggers.values()))
    kept = [wish for wish in wishes if wish.answered or wish.name in stored]
    for wish in kept:
        alert = stored.pop(wish.name, None)
        if alert is None:
            verdict.lost.append(f"{wish} was acknowledged and is not there")
            continue
        oracle.judge(wish, triggers.pop(alert.id, []), verdict)
    verdict.wrong += [f"{alert} was set by nobody" for alert in stored.values()]
    verdict.wrong += [f"{each} are of no alert" for each in triggers.values()]
    drift = reconcile(ArmedIndex(services.redis), provider.name, services.alerts)
    figures: dict[str, object] = {
        "alerts": len(kept),
        "of these unacknowledged": sum(wish.answered is None for wish in kept),
        "sessions": max(len({m.session for m in tape.minutes}) for tape in tapes.values()),
        "must have rung": verdict.must_have_rung,
        "triggers": rung,
        "drift of the index": str(drift) if drift else 0,
    }
    return verdict, figures


def _alerts(services: Services, uids: Sequence[str]) -> dict[str, Alert]:
    """All that are stored, by their notes."""
    pages = (_all(partial(services.alerts.page, uid, limit=PAGE)) for uid in uids)
    return {alert.note: alert for page in pages for alert in page}


def triggers_of(services: Services, uids: Sequence[str]) -> dict[str, list[Trigger]]:
    """All that are stored, by alert, in the order of their epochs."""
    found: dict[str, list[Trigger]] = defaultdict(list)
    for uid in uids:
        for trigger in _all(partial(services.triggers.page, uid, limit=PAGE)):
            found[trigger.alert_id].append(trigger)
    return {name: sorted(each, key=lambda t: t.epoch) for name, each in found.items()}


def _all(page: Callable[..., tuple[list[R], Cursor | None]]) -> Iterator[R]:
    after: Cursor | None = None
    while True:
        found, after = page(after=after)
        yield from found
        if after is None:
            return
