"""How the site fares, for everybody: a page without a session, the same for all."""

from datetime import datetime, timedelta

from flask import Blueprint, current_app, g, render_template
from flask.typing import ResponseReturnValue
from redis import RedisError

from services.errors import StoreError
from services.pulse import LastCheck, Pulse
from services.state import State, ways_of
from services.store.system import System
from services.watchdog import patience_of, unchecked_since
from web.context import now, services

BELIEVED = timedelta(seconds=10)
STORE_BELIEVED = timedelta(minutes=1)
_FROM_STORE, _UNCHECKED = "bellwether-last-check", "bellwether-unchecked"
pages = Blueprint("status", __name__)


@pages.get("/status")
def show() -> ResponseReturnValue:
    """503 where Redis is away: then nothing is known."""
    try:
        state = state_now()
    except RedisError:
        return render_template("status.html", state=None), 503
    return render_template("status.html", state=state)


def state_now() -> State:
    """Raises redis.RedisError."""
    shared = services()
    seconds = shared.settings.check_interval_seconds
    pulse = Pulse(shared.redis)
    return State(
        now=now(),
        interval=timedelta(seconds=seconds),
        patience=patience_of(seconds),
        last=pulse.last_check() or _from_store(),
        market=shared.desk.status(),
        ways=ways_of(pulse.deliveries(now()), shared.jobs.waiting(now())),
    )


@pages.app_template_global()
def alerts_unchecked_since() -> datetime | None:
    """Since when alerts are unchecked for too long, for the banner of every page; read every ten
    seconds in each process. UTC."""
    if "unchecked" not in g:
        g.unchecked = _unchecked_since()
    found: datetime | None = g.unchecked
    return found


def _unchecked_since() -> datetime | None:
    read: tuple[datetime, datetime | None] | None = current_app.extensions.get(_UNCHECKED)
    if read and timedelta(0) <= now() - read[0] < BELIEVED:
        return read[1]
    shared = services()
    since = unchecked_since(
        shared.redis, patience_of(shared.settings.check_interval_seconds), now()
    )
    current_app.extensions[_UNCHECKED] = now(), since
    return since


def _from_store() -> LastCheck | None:
    """Where Redis was emptied: the time alone, read once a minute in each process."""
    read: tuple[datetime, LastCheck | None] | None = current_app.extensions.get(_FROM_STORE)
    if read and timedelta(0) <= now() - read[0] < STORE_BELIEVED:
        return read[1]
    market = "replay" if services().settings.quotes == "replay" else "yahoo"
    try:
        at = System(services().store).checker(market).completed_at
    except StoreError:  # the page says that it is not known
        at = None
    last = (
        LastCheck(at, took=timedelta(), symbols=0, unseen=0, asleep=0, armed=None) if at else None
    )
    current_app.extensions[_FROM_STORE] = now(), last
    return last
