"""Whether this machine's clock agrees with the store's.

Times of alerts and deliveries are ours: a machine whose clock is wrong would look for what is
due too early or too late, and call good quotes stale.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from services.errors import ClockSkew, NotFound, StoreUnavailable
from services.store.contract import SERVER_TIME, Set, Store

WARN_FROM = timedelta(seconds=30)
REFUSE_FROM = timedelta(minutes=5)
_PATH = "system/clock"
log = logging.getLogger(__name__)


def clock_skew(store: Store, clock: Callable[[], datetime]) -> timedelta:
    """How far `clock` is ahead of the store's (negative: behind), zero where the time that
    the store took to answer could explain it."""
    before = clock()
    store.write(Set(_PATH, {"at": SERVER_TIME}))
    document = store.get(_PATH)
    after = clock()
    stored = document.fields["at"] if document else None
    if not isinstance(stored, datetime):
        raise NotFound(f"{_PATH} was written and is not there.")
    return max(before - stored, timedelta(0)) or min(after - stored, timedelta(0))


def check_clock(store: Store, clock: Callable[[], datetime]) -> None:
    """Warn from 30 s of difference on. Raises ClockSkew from five minutes on.

    A store that does not answer is no reason to stop: the jobs will tell.
    """
    try:
        skew = clock_skew(store, clock)
    except StoreUnavailable as error:
        log.warning("The clock could not be compared with the store's. %s", error)
        return
    if abs(skew) >= REFUSE_FROM:
        raise ClockSkew(_sentence(skew))
    if abs(skew) >= WARN_FROM:
        log.warning(_sentence(skew))


def _sentence(skew: timedelta) -> str:
    direction = "ahead of" if skew > timedelta(0) else "behind"
    return (
        f"This machine's clock is {abs(skew).total_seconds():.0f} seconds {direction} the store's."
        " Set this machine's clock (sudo timedatectl set-ntp true) and start again."
    )
