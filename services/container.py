"""Everything a process needs, wired once from the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from redis import Redis

from config import Settings
from services.accounts import Accounts
from services.accounts.leaving import Leaving
from services.accounts.links import Links
from services.accounts.passwords import Passwords
from services.accounts.preferences import Preferences
from services.accounts.profiles import Profiles
from services.accounts.trail import Trail
from services.alerts.arming import Arming
from services.alerts.finder import Finder
from services.alerts.follow_up import FollowUps
from services.alerts.readings import Readings
from services.jobs import Jobs
from services.market.desk import QuoteDesk
from services.market.lookup import Lookup
from services.market.news import NewsDesk
from services.market.sparks import SparkDesk
from services.market.timetable import TimetableDesk
from services.notify.destinations import Destinations
from services.notify.hosts import allowed_hosts
from services.notify.push_keys import PushKey, push_key
from services.notify.sealing import Seal
from services.notify.snoozing import Snoozing
from services.notify.trials import Trials
from services.redis_client import DEFAULT_ADDRESS, open_redis
from services.store import open_store
from services.store.alerts import Alerts
from services.store.contract import Store
from services.store.devices import Devices
from services.store.events import Events
from services.store.kept import KeptStore
from services.store.shelf import Shelf
from services.store.triggers import Triggers
from services.store.users import Users
from services.store.watchlists import Watchlists

if TYPE_CHECKING:
    from services.backup.backups import Backups


@dataclass(frozen=True)
class Services:
    """What the web and the workers share. Nothing is connected before its first use."""

    settings: Settings
    store: Store
    redis: Redis
    jobs: Jobs

    @cached_property
    def users(self) -> Users:
        return Users(self.store)

    @cached_property
    def profiles(self) -> Profiles:
        return Profiles(self.users, Shelf(self.redis))

    @cached_property
    def watchlists(self) -> Watchlists:
        return Watchlists(self.store)

    @cached_property
    def alerts(self) -> Alerts:
        return Alerts(self.store)

    @cached_property
    def triggers(self) -> Triggers:
        return Triggers(self.store)

    @cached_property
    def devices(self) -> Devices:
        return Devices(self.store)

    @cached_property
    def push_key(self) -> PushKey:
        """Raises PushOff where browsers cannot be pushed to."""
        return push_key(self.settings)

    @cached_property
    def links(self) -> Links:
        return Links(self.settings.signing_keys())

    @cached_property
    def seal(self) -> Seal:
        return Seal(self.settings.signing_keys())

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self.users, self.profiles, self.redis, self.jobs, self.links, Passwords())

    @cached_property
    def leaving(self) -> Leaving:
        return Leaving(self.store, self.jobs, Passwords())

    @cached_property
    def trail(self) -> Trail:
        return Trail(Events(self.store), self.redis)

    @cached_property
    def preferences(self) -> Preferences:
        return Preferences(self.users, self.profiles, self.jobs)

    @cached_property
    def arming(self) -> Arming:
        return Arming(self.store, self.redis, self.jobs, self.settings.max_alerts)

    @cached_property
    def follow_ups(self) -> FollowUps:
        return FollowUps(self.alerts, self.arming, Finder(self.lookup, self.desk))

    @cached_property
    def snoozing(self) -> Snoozing:
        return Snoozing(self.store, self.users)

    @cached_property
    def destinations(self) -> Destinations:
        hosts = allowed_hosts(self.settings.private_hosts)
        return Destinations(self.users, self.profiles, hosts, self.seal)

    @cached_property
    def trials(self) -> Trials:
        return Trials(self.redis, self.jobs)

    @cached_property
    def readings(self) -> Readings:
        return Readings(self.redis)

    @cached_property
    def backups(self) -> "Backups":
        """Raises BackupError where BACKUP_TO cannot be used."""
        from services.backup.site import backups_of  # only where it is used

        return backups_of(self.settings, self.store, self.redis)

    @cached_property
    def desk(self) -> QuoteDesk:
        return QuoteDesk(self.redis, self.jobs)

    @cached_property
    def sparks(self) -> SparkDesk:
        return SparkDesk(self.redis, self.jobs)

    @cached_property
    def timetables(self) -> TimetableDesk:
        return TimetableDesk(self.redis, self.jobs)

    @cached_property
    def news(self) -> NewsDesk:
        return NewsDesk(self.redis, self.jobs)

    @cached_property
    def lookup(self) -> Lookup:
        return Lookup(self.desk)


def open_services(
    settings: Settings,
    make_jobs: Callable[[Redis], Jobs],
    open_redis: Callable[[str], Redis] = open_redis,
) -> Services:
    """The services for `settings`, which must name a Redis. Raises StoreUnavailable."""
    redis = open_redis(settings.redis_url or DEFAULT_ADDRESS)
    store = KeptStore(open_store(settings), Shelf(redis))
    return Services(settings, store, redis, make_jobs(redis))
