"""What load balancers ask."""

from datetime import datetime, timedelta

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from redis import RedisError

from services.errors import StoreError
from web.context import now, services

BELIEVED = timedelta(seconds=30)
ENDING = "bellwether-ending"
"""The extension that tells whether this process was asked to end."""
_ANSWERED = "bellwether-store-answered"
pages = Blueprint("health", __name__)


@pages.get("/health")
def health() -> ResponseReturnValue:
    """The process is alive; nothing else is asked."""
    return {"status": "alive"}


@pages.get("/ready")
def ready() -> ResponseReturnValue:
    """Whether the store and Redis answer, so that requests can be served, by a process that stays.

    A store that answered is believed for 30 s: Firestore bills the question.
    """
    is_ending = current_app.extensions.get(ENDING)
    if is_ending and is_ending():
        faults = {"draining": "This process ends; it answers what has begun."}
    else:
        parts = {"store": _store_fault(), "redis": _redis_fault()}
        faults = {name: fault for name, fault in parts.items() if fault}
    if faults:
        return {"status": "not ready", "failing": faults}, 503
    return {"status": "ready"}


def _store_fault() -> str | None:
    answered: datetime | None = current_app.extensions.get(_ANSWERED)
    if answered and timedelta(0) <= now() - answered < BELIEVED:
        return None
    try:
        services().store.ping()
    except StoreError as error:
        return str(error)
    current_app.extensions[_ANSWERED] = now()
    return None


def _redis_fault() -> str | None:
    try:
        services().redis.ping()
    except RedisError:
        return "Redis does not answer."
    return None
