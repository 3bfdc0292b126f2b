"""The jobs. Each reads the clock once and hands the time on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from redis import RedisError
from redis.exceptions import LockError
from redis.lock import Lock

from services.alerts.index import ArmedIndex
from services.alerts.reconcile import reconcile
from services.errors import NotFound, StoreError
from services.jobs import AccountMail, Notice
from services.market.fetch import fetch_into_cache, search_into_cache
from services.market.fetch_hours import hours_into_cache
from services.market.fetch_past import bars_into_cache, earnings_into_cache
from services.market.fetch_sparks import sparks_into_cache
from services.market.hours import Hours
from services.market.looked_at import LookedAt
from services.market.models import BarInterval
from services.market.news import news_into_cache
from services.market.refreshing import refresh
from services.notify.digest import follow_clock
from services.notify.waking import wake
from services.pulse import Pulse
from services.store.system import Shard
from workers.parts import parts
from workers.seen import note_check

CHECK_LOCK, BACKUP_LOCK, CLEAN_LOCK = "lock:check", "lock:backup", "lock:clean"
LOCK_HOLDS = timedelta(seconds=10)
"""For so long a dead worker's lock is in the way; a live one's is renewed."""
DELIVERS_FOR = timedelta(seconds=20)
"""One person, before others have their turn."""
log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def fetch_quotes(symbols: list[str]) -> None:
    """Fetch quotes that a page waits for."""
    fetch_into_cache(parts().provider, parts().cache, symbols, _now())


def search_symbols(text: str) -> None:
    """Search for symbols that a page waits for."""
    search_into_cache(parts().provider, parts().cache, text, _now())


def fetch_bars(symbol: str, interval: BarInterval, years: int) -> None:
    """Fetch bars that a page waits for."""
    bars_into_cache(parts().provider, parts().services.redis, symbol, interval, years, _now())


def fetch_earnings(symbol: str) -> None:
    """Fetch an earnings date that a page waits for."""
    earnings_into_cache(parts().provider, parts().services.redis, symbol, _now())


def fetch_news(symbol: str, name: str) -> None:
    """Fetch the news that a page shows when it is seen next."""
    news_into_cache(parts().news_source, parts().services.redis, symbol, name, _now())


def fetch_sparks(symbols: list[str]) -> None:
    """Fetch the closes that pages want to draw."""
    sparks_into_cache(parts().provider, parts().services.redis, symbols, _now())


def fetch_hours(calendars: list[str]) -> None:
    """Write down the hours of exchanges that pages want to tell."""
    hours_into_cache(parts().services.redis, calendars, parts().provider.market_time(_now()))


def check_alerts() -> None:
    """Hold every armed alert against the market: in this job, or in one for each shard."""
    shards = parts().services.settings.check_shards
    with _only_one(CHECK_LOCK, LOCK_HOLDS) as mine:
        if not mine:
            log.info("A check is running; this one does nothing")
            return
        parts().checker.prepare(_now(), shards)
        if shards == 1:
            check_shard(0, 1)
    if shards > 1:
        for number in range(shards):
            parts().services.jobs.check_shard(number, shards)


def check_shard(number: int, of: int) -> None:
    """Check one shard's symbols, unless another worker is at it."""
    with _only_one(f"{CHECK_LOCK}:{number}-of-{of}", LOCK_HOLDS) as mine:
        if not mine:
            log.info("Shard %d of %d is being checked; this job does nothing", number, of)
            return
        shard, begun = Shard(number, of), _now()
        report = parts().checker.run_shard(shard, begun)
        note_check(parts().services, shard, report, begun, _now())
        log.info(
            "Checked %d symbols: %d alerts came true, %d recorded, %d symbols unseen, %d asleep",
            report.symbols,
            report.claimed,
            report.recorded,
            len(report.unchecked),
            report.asleep,
        )


def expire_alerts() -> None:
    """End the alerts whose time is over; see that owners are told in time of those that end."""
    parts().endings.plan(_now())
    if ended := parts().expiry.run(_now()):
        log.info("Ended %d alerts that had expired", ended)


def reconcile_index() -> None:
    """Compare the armed index with the store, and mend it; a difference is a fault of ours."""
    s = parts().services
    drift = reconcile(ArmedIndex(s.redis), parts().provider.name, s.alerts)
    level = logging.ERROR if drift else logging.INFO
    log.log(level, "Reconciled the armed index with the store: %s", drift)


def refresh_watchlists() -> None:
    """Fetch the quotes of what people looked at lately."""
    looked_at = LookedAt(parts().services.redis)
    if came := refresh(parts().provider, parts().cache, looked_at, Hours(), _now()):
        log.info("Refreshed %d quotes that people look at", came)


def clean_up() -> None:
    """Delete what is kept no longer."""
    with _only_one(CLEAN_LOCK, LOCK_HOLDS) as mine:
        if mine:
            log.info("Cleaned up: %s", parts().cleaning.run(_now()))
            log.info("Security events: %d let go", parts().services.trail.forget_old(_now()))


def back_up() -> None:
    """Make and prove a backup, and let old ones go."""
    with _only_one(BACKUP_LOCK, LOCK_HOLDS) as mine:
        if not mine:
            log.info("A backup is being made; this job does nothing")
            return
        state = parts().backups.nightly(_now())
        Pulse(parts().services.redis).note_backup(_now())
        log.info(
            "Backup %s holds %d documents in %d bytes; it took %.1f s to make and prove",
            state.name,
            state.documents,
            state.bytes,
            state.seconds,
        )


def sweep() -> None:
    """Take over what dead workers left: claimed alerts, and deliveries that are due."""
    recorded, due = parts().recorder.sweep(), parts().outbox.sweep(_now())
    if recorded or due:
        log.info("Swept: %d triggers recorded, %d with a delivery due", recorded, due)


def dispatch(uids: list[str]) -> None:
    """Enqueue what is due of these people, channel by channel. One whose documents cannot be read
    is in nobody's way."""
    failed: list[StoreError] = []
    for uid in uids:
        try:
            parts().outbox.dispatch(uid, _now())
        except StoreError as error:
            failed.append(error)
    if failed:
        raise failed[0]


def deliver(uid: str, channel: str) -> None:
    """Send what is due of a person by that channel, message by message. After a while the rest
    goes behind what others wait for, and RQ's time limit ends no message halfway."""
    begun = _now()
    with _unless_gone(uid):
        while parts().outbox.deliver(uid, channel, _now()):
            if _now() - begun > DELIVERS_FOR:
                parts().services.jobs.deliver(uid, channel)
                return


def send_account_mail(kind: AccountMail, uid: str) -> None:
    """Send one mail about an account; RQ tries again when it raises."""
    parts().mailer.send(kind, uid, _now())


def send_notice(kind: Notice, uid: str, alert_ids: list[str]) -> None:
    """Tell a person what became of these alerts; RQ tries again when it raises."""
    with _unless_gone(uid):
        parts().notices.send(kind, uid, alert_ids, _now())


def send_channel_notice(uid: str, channel: str, reason: str) -> None:
    """Tell a person by another channel that this one is off; RQ tries again when it raises."""
    with _unless_gone(uid):
        parts().channel_notices.send(uid, channel, reason, _now())


def send_digests() -> None:
    """Enqueue a job for each digest that is due."""
    if due := parts().digests.enqueue_due(_now()):
        log.info("%d digests are due", due)


def send_digest(uid: str) -> None:
    """Send a person's digest, if it is still due; the schedule tries again when it raises."""
    with _unless_gone(uid):
        parts().digests.send(uid, _now())


def erase_account(uid: str) -> None:
    """Erase all that a closed account held; the next sweep has it tried again when it raises."""
    parts().erasing.erase(uid, _now())


def erase_accounts() -> None:
    """See to the accounts that were closed and are not erased to the end."""
    if left := parts().erasing.sweep(_now()):
        log.info("%d closed accounts are being erased", left)


def try_channel(uid: str, channel: str, trial: str) -> None:
    """Send a test that somebody waits for."""
    with _unless_gone(uid):
        parts().trial_runner.run(uid, channel, trial, _now())


def release_held(uid: str) -> None:
    """Send what waited for a person to confirm the address, or for quiet hours that are over;
    have the next digest come at the hour that is right now."""
    with _unless_gone(uid):
        parts().outbox.release(uid, _now())
        wake(parts().services.store, parts().services.jobs, uid, _now())
        follow_clock(parts().services.users, uid, _now())


@contextmanager
def _unless_gone(uid: str) -> Iterator[None]:
    """Who has left meanwhile wants nothing more."""
    try:
        yield
    except NotFound:
        if parts().services.users.get(uid) is not None:
            raise
        log.info("A job for somebody who has left does nothing")


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
