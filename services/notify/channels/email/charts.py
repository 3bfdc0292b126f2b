"""The charts of a mail. A mail never waits long for them, and goes without where there are none."""

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Lock, Thread
from typing import Protocol

from redis import RedisError

from services.alerts.units import PRICES
from services.errors import MarketError
from services.market.recent import Recent
from services.notify import chart
from services.notify.message import Image
from services.store.triggers import Trigger
from services.texts import language

MOST = 5
"""Triggers in a mail that has charts, so that it stays small."""
PATIENCE_SECONDS = 3.0
_AT_ONCE = 2
"""Askings that may hang, before no more are begun."""
_KNOWN = 256
log = logging.getLogger(__name__)


class Past(Protocol):
    def before(self, symbol: str, moment: datetime, currency: str, now: datetime) -> Recent | None:
        """Raises MarketError or RedisError."""


class Charts:
    """Draws what `past` tells within `patience` seconds. For any number of threads."""

    def __init__(self, past: Past, patience: float = PATIENCE_SECONDS) -> None:
        self._past = past
        self._patience = patience
        self._free = BoundedSemaphore(_AT_ONCE)
        self._known: dict[tuple[str, str, datetime], Recent] = {}
        self._lock = Lock()

    def of(self, triggers: Sequence[Trigger], now: datetime) -> dict[str, Image]:
        """By the triggers' ids; none where there are more than MOST, or from where on the source
        is silent."""
        images: dict[str, Image] = {}
        for trigger in triggers if len(triggers) <= MOST else ():
            recent = self._recent(trigger, now)
            if recent is None:
                break
            if len(recent.bars) >= chart.FEWEST:
                images[trigger.id] = _image(trigger, recent)
        return images

    def _recent(self, trigger: Trigger, now: datetime) -> Recent | None:
        """Alerts of one symbol that rang in one check ask once."""
        key = trigger.symbol, trigger.currency, trigger.occurred_at
        with self._lock:
            known = self._known.get(key)
        if known is None and (known := self._asked(trigger, now)):
            with self._lock:
                if len(self._known) >= _KNOWN:
                    self._known.clear()
                self._known[key] = known
        return known

    def _asked(self, trigger: Trigger, now: datetime) -> Recent | None:
        if not self._free.acquire(blocking=False):
            return None
        answers: SimpleQueue[Recent | None] = SimpleQueue()
        Thread(target=self._ask, args=(trigger, now, answers), daemon=True).start()
        try:
            return answers.get(timeout=self._patience)
        except Empty:
            log.warning("No chart of %s: its past takes too long", trigger.symbol)
            return None

    def _ask(self, trigger: Trigger, now: datetime, answers: "SimpleQueue[Recent | None]") -> None:
        recent = None
        try:
            recent = self._past.before(trigger.symbol, trigger.occurred_at, trigger.currency, now)
        except (MarketError, RedisError) as error:
            log.warning("No chart of %s: %s", trigger.symbol, error)
        finally:
            self._free.release()
            answers.put(recent)


def _image(trigger: Trigger, recent: Recent) -> Image:
    is_price = trigger.condition.target.metric in PRICES
    course = chart.Course(
        recent.bars[-chart.SESSIONS :],
        trigger.price,
        recent.session,
        trigger.level if is_price else None,
    )
    return Image(
        cid=f"{trigger.id}.chart@bellwether",
        png=_drawn(course, language()),
        alt=chart.described(trigger.symbol, course),
        width=chart.WIDTH,
        height=chart.HEIGHT,
    )


@lru_cache(maxsize=64)
def _drawn(course: chart.Course, language: str) -> bytes:  # noqa: ARG001 - the key of its words
    """Many people wait for the same round level."""
    return chart.draw(course)
