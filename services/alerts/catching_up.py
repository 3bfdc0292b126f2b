"""Bringing the armed index up to what the store says of one alert."""

import logging

from services.alerts.index import ArmedIndex
from services.errors import BadDocument
from services.store.alerts import read_alert
from services.store.contract import Store

log = logging.getLogger(__name__)


def catch_up(index: ArmedIndex, store: Store, uid: str, alert_id: str) -> None:
    """Let the index hold an alert as the store has it.

    It is read again until it stays the same: somebody may have changed it in the store and in the
    index after it was read, and what was read would then put the index back.
    """
    before = None
    try:
        while (alert := read_alert(store, uid, alert_id)) not in (None, before):
            index.ensure(alert)
            before = alert
    except BadDocument:
        log.exception("The index cannot follow an alert")
