"""What only workers need, wired once per process: the source of prices, the check, the mails."""

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache, cached_property
from pathlib import Path

from config import Settings, load_settings
from services.accounts.erasing import Erasing
from services.accounts.mailer import AccountMailer
from services.alerts.checker import Checker
from services.alerts.expiry import Expiry
from services.alerts.index import ArmedIndex
from services.alerts.notices import Notices
from services.alerts.recorder import Recorder
from services.alerts.sound_quotes import SoundQuotes
from services.alerts.tasks import Tasks
from services.backup.backups import Backups
from services.cleaning.accounts import UnusedAccounts
from services.cleaning.cleaning import Cleaning
from services.container import Services, open_services
from services.market.cache import QuoteCache
from services.market.histories import Histories
from services.market.hours import Hours
from services.market.news import NewsSource, NoNews
from services.market.provider import Provider
from services.market.recent import RecentBars
from services.market.replay import ReplayProvider
from services.market.replay_clock import replay_origin
from services.notify.channel import Channel, Channels
from services.notify.channel_notices import ChannelNotices
from services.notify.channels.apprise.channel import AppriseChannel
from services.notify.channels.email.channel import EmailChannel
from services.notify.channels.email.charts import Charts
from services.notify.channels.email.transport import SmtpTransport
from services.notify.channels.push.channel import PushChannel
from services.notify.channels.push.push import PushComposer
from services.notify.channels.push.sender import Sender
from services.notify.channels.push.senders import open_senders
from services.notify.channels.webhook.channel import WebhookChannel
from services.notify.channels.webhook.transport import WebhookTransport
from services.notify.compose import Composer
from services.notify.digest_mail import DigestWriter
from services.notify.digest_news import Newsroom
from services.notify.digests import Digests
from services.notify.endings import Endings
from services.notify.hosts import allowed_hosts
from services.notify.ledger import SharedLedger
from services.notify.outbox import Outbox
from services.notify.pace import SharedPace
from services.notify.trials import TrialRunner
from services.store.devices import Kind
from services.store.system import Shard, System, shard_of
from services.store.users import DestinationKind
from workers.queues import RqJobs

REPLAY_DATA = Path(__file__).parents[1] / "local" / "market"


class Parts:
    """The parts of one worker process. `provider` may be given, as tests do."""

    def __init__(self, services: Services, provider: Provider | None = None) -> None:
        self.services = services
        self._provider = provider

    @cached_property
    def provider(self) -> Provider:
        return self._provider or open_provider(self.services)

    @cached_property
    def news_source(self) -> NewsSource:
        return open_news(self.services.settings, self.provider)

    @cached_property
    def cache(self) -> QuoteCache:
        return QuoteCache(self.services.redis)

    @cached_property
    def recorder(self) -> Recorder:
        s = self.services
        return Recorder(s.redis, ArmedIndex(s.redis), s.store, s.jobs)

    @cached_property
    def checker(self) -> Checker:
        s, provider = self.services, self.provider
        index, hours = ArmedIndex(s.redis), Hours()
        return Checker(
            provider,
            SoundQuotes(provider, self.cache, index, s.readings, hours),
            Tasks(provider, Histories(provider, s.redis, hours)),
            index,
            s.readings,
            hours,
            s.alerts,
            s.arming,
            self.recorder,
            System(s.store),
        )

    @property
    def expiry(self) -> Expiry:
        """Ends what the last check of its symbol has looked at to the end."""
        s = self.services
        system, shards = System(s.store), s.settings.check_shards
        states = [system.checker(self.provider.name, Shard(n, shards)) for n in range(shards)]
        return Expiry(
            s.store,
            s.arming,
            lambda symbol: states[shard_of(symbol, shards)].checked_until(symbol),
            self.endings.plan_for,
        )

    @cached_property
    def erasing(self) -> Erasing:
        s = self.services
        return Erasing(
            s.store, s.redis, s.jobs, s.arming, lambda: self.composer, lambda: self.transport
        )

    @property
    def backups(self) -> Backups:
        return self.services.backups

    @property
    def cleaning(self) -> Cleaning:
        s = self.services
        unused = UnusedAccounts(s.store, s.jobs)
        return Cleaning(s.store, s.settings, unused.close)

    @cached_property
    def endings(self) -> Endings:
        return Endings(self.services.store)

    @cached_property
    def composer(self) -> Composer:
        settings = self.services.settings
        return Composer(settings.address, settings.mail_from, self.services.links)

    @cached_property
    def transport(self) -> SmtpTransport:
        settings = self.services.settings
        url = settings.smtp_url or "smtp://127.0.0.1:25"
        return SmtpTransport(url, settings.mail_from, settings.mail_reply_to)

    @cached_property
    def charts(self) -> Charts:
        redis = self.services.redis
        return Charts(RecentBars(lambda: Histories(self.provider, redis), redis))

    @cached_property
    def outbox(self) -> Outbox:
        s = self.services
        renew = s.profiles.renew
        ledger = SharedLedger(s.redis)
        return Outbox(s.store, self.channels, s.jobs, random.random, renew, self.pace, ledger)

    @cached_property
    def pace(self) -> SharedPace:
        s = self.services
        return SharedPace(s.redis, s.settings.mail_connections, s.settings.mails_per_minute)

    @cached_property
    def channels(self) -> Channels:
        return Channels(
            email=EmailChannel(self.composer, self.transport, self.charts),
            push=self.push,
            destinations=self.destinations,
        )

    @property
    def destinations(self) -> Mapping[DestinationKind, Channel]:
        settings, seal = self.services.settings, self.services.seal
        hosts = allowed_hosts(settings.private_hosts)
        return {
            "apprise": AppriseChannel(settings.address, hosts, seal),
            "webhook": WebhookChannel(settings.address, WebhookTransport(hosts), seal),
        }

    @cached_property
    def push_senders(self) -> Mapping[Kind, Sender]:
        return open_senders(self.services.settings)

    @cached_property
    def push(self) -> PushChannel:
        s = self.services
        return PushChannel(
            s.devices,
            PushComposer(s.settings.address, s.links),
            lambda: self.push_senders,
            lambda user, device, why: s.jobs.send_channel_notice(user.uid, device.name, why),
        )

    @cached_property
    def trial_runner(self) -> TrialRunner:
        return TrialRunner(self.services.users, self.channels, self.services.trials)

    @cached_property
    def notices(self) -> Notices:
        s = self.services
        return Notices(s.alerts, s.users, self.composer, self.transport)

    @cached_property
    def channel_notices(self) -> ChannelNotices:
        s = self.services
        return ChannelNotices(s.users, self.composer, self.transport, self.push, s.settings.address)

    @cached_property
    def digests(self) -> Digests:
        s = self.services
        newsroom = Newsroom(s.store, self.cache, s.readings)
        return Digests(
            s.users,
            newsroom,
            DigestWriter(self.composer),
            self.transport,
            s.jobs,
            s.profiles.renew,
            self.pace,
        )

    @cached_property
    def mailer(self) -> AccountMailer:
        s = self.services
        return AccountMailer(s.users, s.links, self.composer, self.transport)


def open_provider(services: Services) -> Provider:
    """The source that the settings name; `auto` is Yahoo on a server (see docs/decisions)."""
    settings = services.settings
    if settings.quotes == "replay":
        return _replay(settings, services)
    from services.market.backoff import Backoff  # yfinance costs 100 MB: only where it is used
    from services.market.yahoo import YahooProvider

    return YahooProvider(Backoff(services.redis))


def open_news(settings: Settings, provider: Provider) -> NewsSource:
    """newsapi.org where there is a key, else what the prices' source tells; none in a replay."""
    if provider.name == "replay":
        return NoNews()
    if settings.news_api_key:
        from services.market.news_api import NewsApi  # only where it is used

        return NewsApi(settings.news_api_key)
    return provider if isinstance(provider, NewsSource) else NoNews()


def _replay(settings: Settings, services: Services) -> Provider:
    start = date.fromisoformat(settings.replay_start)
    seconds = settings.replay_day_seconds
    origin = replay_origin(services.store, start, seconds, datetime.now(UTC))
    services.readings.begin_run(f"{start} {origin.isoformat()}")
    return ReplayProvider(
        csv=REPLAY_DATA / "stocks.csv.gz",
        splits=REPLAY_DATA / "splits.csv",
        origin=origin,
        start=start,
        day_seconds=seconds,
    )


@cache
def parts() -> Parts:
    """The parts of this process."""
    return Parts(open_services(load_settings(), RqJobs))
