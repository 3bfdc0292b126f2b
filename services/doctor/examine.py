"""Everything that `flask doctor` looks at."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from redis import RedisError

from config import Settings
from services.container import Services
from services.doctor import inside, outside
from services.doctor.demands import look_at
from services.doctor.finding import Check, Finding, doubtful
from services.doctor.reach import DOCUMENTS, MAIL_SERVER, REDIS, reach
from services.doctor.together import together
from services.errors import BellwetherError
from services.store.keeping import Keeping
from services.store.system import System

SECONDS = 30.0


def examine(
    services: Services, unattended: Callable[[], Sequence[str]], clock: Callable[[], datetime]
) -> list[Finding]:
    """All findings, settings first. `unattended` names the queues without a worker."""
    settings = services.settings
    found = of_settings(settings) + reach(settings, () if settings.smtp_url else {MAIL_SERVER})
    away = {one.about for one in found if one.state == "bad"} & {REDIS, DOCUMENTS}
    checks = _of_site(services, unattended, clock, away) | _of_world(settings, clock)
    return found + together({name: _told(name, check) for name, check in checks.items()}, SECONDS)


def of_settings(settings: Settings) -> list[Finding]:
    """What production demands; where it is none, nothing of it is bad."""
    found = look_at(settings)
    if settings.in_production:
        return found
    return [replace(one, state="doubtful") if one.state == "bad" else one for one in found]


def _of_site(
    services: Services,
    unattended: Callable[[], Sequence[str]],
    clock: Callable[[], datetime],
    away: set[str],
) -> dict[str, Check]:
    s, settings, now = services, services.settings, clock()
    checks: dict[str, Check] = {
        "VAPID_PRIVATE_KEY": partial(inside.push, settings),
        "Disk": partial(inside.disk, settings.data),
    }
    if REDIS not in away:
        checks |= {
            "Clock and Redis": partial(inside.redis_clock, s.redis, clock),
            "Queues": partial(inside.queues, unattended),
        }
    if DOCUMENTS not in away:
        checks |= {
            "Clock and store": partial(inside.store_clock, s.store, clock),
            "Channels": partial(inside.seals, Keeping(s.store), s.seal),
            "Last check": partial(inside.last_check, System(s.store), settings, now),
        }
    if not away:
        checks |= {
            "Armed index": partial(inside.index_coverage, s.alerts, s.redis),
            "Last backup": partial(inside.last_backup, settings, s.redis, s.store, now),
        }
    if settings.uses_firestore and DOCUMENTS not in away:
        checks |= {
            "Firestore indexes": partial(inside.indexes_deployed, s.store),
            "Firestore quota": partial(inside.quota, settings.data / "metrics", now),
        }
    return checks


def _of_world(settings: Settings, clock: Callable[[], datetime]) -> dict[str, Check]:
    checks: dict[str, Check] = {}
    if settings.uses_firestore:
        checks["Firestore rules"] = partial(outside.rules_deny, settings)
    if settings.address.startswith("https://"):
        checks["Certificate"] = partial(outside.certificate, settings.address, clock())
    if settings.smtp_url and settings.in_production:
        checks["Mail domain"] = partial(outside.mail_dns, settings)
    return checks


def _told(about: str, check: Check) -> Check:
    def told() -> Finding:
        try:
            return check()
        except (BellwetherError, RedisError, OSError) as error:
            return doubtful(about, f"could not be asked: {error}")

    return told
