"""The jobs. Each reads the clock once and hands the time on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from redis import RedisError
from redis.exceptions import LockError
from redis.lock import Lock

from services.jobs import AccountMail
from services.market.fetch import fetch_into_cache, search_into_cache
from workers.parts import parts

CHECK_LOCK = "lock:check"
LOCK_HOLDS = timedelta(seconds=30)
"""For so long a dead worker's lock is in the way; a live one's is renewed."""
log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def fetch_quotes(symbols: list[str]) -> None:
    """Fetch quotes that a page waits for."""
    fetch_into_cache(parts().provider, parts().cache, symbols, _now())


def search_symbols(text: str) -> None:
    """Search for symbols that a page waits for."""
    search_into_cache(parts().provider, parts().cache, text, _now())


def check_alerts() -> None:
    """Hold every armed alert against the market, unless another worker is at it."""
    with _only_one(CHECK_LOCK, LOCK_HOLDS) as mine:
        if not mine:
            log.info("A check is running; this one does nothing")
            return
        report = parts().checker.run(_now())
        log.info(
            "Checked %d symbols: %d alerts came true, %d recorded, %d symbols unseen",
            report.symbols,
            report.claimed,
            report.recorded,
            len(report.unchecked),
        )


def sweep() -> None:
    """Take over what dead workers left: claimed alerts, and deliveries that are due."""
    recorded, due = parts().recorder.sweep(), parts().outbox.sweep(_now())
    if recorded or due:
        log.info("Swept: %d triggers recorded, %d with a delivery due", recorded, due)


def deliver(uid: str, trigger_id: str) -> None:
    """Send what is due of one trigger."""
    parts().outbox.deliver(uid, trigger_id, _now())


def send_account_mail(kind: AccountMail, uid: str) -> None:
    """Send one mail about an account; RQ tries again when it raises."""
    parts().mailer.send(kind, uid, _now())


def release_held(uid: str) -> None:
    """Send what waited for a person to confirm the address."""
    parts().outbox.release(uid, _now())


@contextmanager
def _only_one(name: str, holds: timedelta) -> Iterator[bool]:
    """Whether nobody else has the lock, which is renewed while this process lives."""
    seconds = holds.total_seconds()
    lock = parts().services.redis.lock(name, timeout=seconds, blocking=False, thread_local=False)
    if not lock.acquire():
        yield False
        return
    done = Event()
    renewal = Thread(target=_renew, args=(lock, seconds / 3, done), daemon=True)
    renewal.start()
    try:
        yield True
    finally:
        done.set()
        renewal.join()
        try:
            lock.release()
        except LockError:
            log.warning("%s was lost meanwhile", name)


def _renew(lock: Lock, every_seconds: float, done: Event) -> None:
    """Without the lock the work goes on: it keeps others from doing it twice, not from harm."""
    while not done.wait(every_seconds):
        try:
            lock.reacquire()
        except RedisError as error:
            log.warning("%s cannot be renewed: %s", lock.name, error)
