"""What the services ask to be done later or elsewhere. workers/queues.py does it with RQ."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol, TypeAlias

from services.market.models import BarInterval

AccountMail: TypeAlias = Literal["confirm", "reset", "known", "changed"]
Notice: TypeAlias = Literal["paused", "split"]
"""What happens to alerts without their owner: no prices any more, or a split moved the level."""


class Waiting(NamedTuple):
    """How many jobs wait in a queue, and how long the oldest one does."""

    jobs: int
    oldest: timedelta


class Jobs(Protocol):
    def waiting(self, now: datetime) -> Mapping[str, Waiting]:
        """What waits, by queue; `now` is our time, UTC."""

    def fetch_quotes(self, symbols: Sequence[str]) -> None:
        """Fetch these symbols' quotes into the cache, soon."""

    def search_symbols(self, text: str) -> None:
        """Search the source for `text` and cache the matches, soon."""

    def fetch_bars(self, symbol: str, interval: BarInterval, years: int = 4) -> None:
        """Fetch daily bars of `years` (at most 10), or a week's minutes, into the cache, soon."""

    def fetch_earnings(self, symbol: str) -> None:
        """Fetch the next earnings date into the cache, soon."""

    def fetch_news(self, symbol: str, name: str) -> None:
        """Fetch what is told of a symbol, or the company `name`, into the cache, soon."""

    def fetch_sparks(self, symbols: Sequence[str]) -> None:
        """Fetch the last 30 closes of these symbols into the cache, soon."""

    def fetch_hours(self, calendars: Sequence[str]) -> None:
        """Write when these calendars' exchanges open and close into the cache, soon."""

    def check_shard(self, number: int, of: int) -> None:
        """Check the symbols of one of the shards of a check, unless that is to be done already."""

    def dispatch(self, uids: Sequence[str]) -> None:
        """See to everything that is due of these people."""

    def deliver(self, uid: str, channel: str) -> None:
        """Send what is due of a person by that channel."""

    def send_notice(self, kind: Notice, uid: str, alert_ids: Sequence[str]) -> None:
        """Tell a person what has become of these alerts."""

    def send_channel_notice(self, uid: str, channel: str, reason: str) -> None:
        """Tell a person, by another channel, that this one was switched off, and why.

        `channel` is `email`, a destination's name, or the name of a device.
        """

    def send_digests(self, uids: Sequence[str]) -> None:
        """Send these people the digests that are due."""

    def send_account_mail(self, kind: AccountMail, uid: str) -> None:
        """Send a mail about an account: confirm the address, reset the password, already known,
        or that the password was changed."""

    def try_channel(self, uid: str, channel: str, trial: str) -> None:
        """Send a test by that channel and keep the outcome under the trial's id; soon or never."""

    def erase_account(self, uid: str) -> None:
        """Erase all that a closed account held."""

    def forget(self, uid: str) -> None:
        """Drop what is to be done, or has failed, for a person who left."""

    def release_held(self, uid: str) -> None:
        """Send what was held until the address was confirmed, or by quiet hours of before."""
