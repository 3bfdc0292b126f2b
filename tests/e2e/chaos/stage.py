"""Where a run takes place: servers that can be broken, a mailbox, and Bellwether on top."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

from aiosmtpd.controller import Controller

from config import Settings
from services.container import Services, open_services
from services.market.provider import Provider
from tests.e2e.chaos.outages import Door, LockedFile, MortalRedis, StoreOutage, mortal_redis
from tests.e2e.chaos.plan import Engine, Plan
from tests.support.redis_server import free_port
from tests.support.smtp import SmtpPeer
from workers.parts import open_provider
from workers.queues import RqJobs

START = date(2005, 2, 23)
"""Three sessions before a split of AAPL, two for one."""
SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")


@dataclass(frozen=True)
class Stage:
    services: Services
    provider: Provider
    redis: MortalRedis
    outage: StoreOutage
    mailbox: SmtpPeer
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """For processes on this stage, and nothing of another one's."""
        names = Settings.model_fields
        kept = {k: v for k, v in os.environ.items() if k.lower() not in names}
        chosen = self.services.settings.model_dump(exclude_defaults=True)
        return {**kept, **{name.upper(): str(value) for name, value in chosen.items()}}


@contextmanager
def stage(engine: Engine, plan: Plan, folder: Path, emulator: str) -> Iterator[Stage]:
    """`emulator` is host:port of Google's emulator, for `firestore`."""
    with mortal_redis(folder / "redis") as redis, _door(emulator) as door, _mailbox() as mailbox:
        settings = Settings(
            _env_file=None,
            bellwether_env="development",
            bellwether_data=folder / "var",
            secret_key="chaos",
            redis_url=redis.url,
            quotes="replay",
            replay_start=START.isoformat(),
            replay_day_seconds=plan.day_seconds,
            check_interval_seconds=1,
            check_shards=plan.shards,
            smtp_url=mailbox.url,
            firestore_emulator_host=door.address if door else "",
            firebase_project_id=f"chaos-{uuid4().hex[:12]}" if door else "",
        )
        services = open_services(settings, RqJobs)
        with closing(services.store):
            services.store.ping()
            outage = door or LockedFile(settings.data / "bellwether.sqlite3")
            try:
                provider = open_provider(services)
                yield Stage(services, provider, redis, outage, mailbox, folder / "log")
            finally:
                outage.end()


@contextmanager
def _door(emulator: str) -> Iterator[Door | None]:
    if not emulator:
        yield None
        return
    door = Door("127.0.0.1", free_port(), emulator)
    try:
        yield door
    finally:
        door.remove()


@contextmanager
def _mailbox() -> Iterator[SmtpPeer]:
    peer = SmtpPeer(port=free_port())
    controller = Controller(peer, hostname="127.0.0.1", port=peer.port)
    controller.start()
    try:
        yield peer
    finally:
        controller.stop()
