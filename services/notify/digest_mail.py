"""A digest in words: sections of lines, which the templates lay out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from services.alerts import phrases, units
from services.notify.compose import Composer, local_time
from services.notify.digest_news import SHOWN, Blind, Mover, News
from services.notify.message import Message
from services.notify.plain import plain
from services.reasons import told
from services.store.alerts import Alert
from services.store.triggers import Trigger
from services.store.users import DigestEvery, User
from services.texts import N_, ngettext
from services.texts import gettext as _

MAX_NAME = 60
_TITLES: dict[DigestEvery, str] = {
    "never": N_("Alerts that end"),
    "day": N_("Your day"),
    "week": N_("Your week"),
}
_ENDING: dict[DigestEvery, str] = {
    "never": N_("End within a day"),
    "day": N_("End before your next digest"),
    "week": N_("End before your next digest"),
}
REPLAYED = N_("the replayed market, not live")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """`head` is what a glance takes in, `detail` stands below it; `path` leads into the site."""

    head: str
    detail: str
    path: str


@dataclass(frozen=True, slots=True)
class Section:
    """`more` are so many that are not shown; `path` leads to all."""

    title: str
    lines: Sequence[Line]
    more: int
    path: str


class DigestWriter:
    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    def digest(self, news: News, user: User, now: datetime) -> Message:
        """The mail; its Message-ID follows from the person and the moment up to which it tells."""
        return self._composer.write(
            "digest",
            user,
            f"digest.{user.uid}.{news.until:%Y%m%dT%H%M%S}",
            now,
            subject=f"{subject(news, user.digest)} · Bellwether",
            title=_(_TITLES[user.digest]),
            date=local_time(news.until, user.time_zone),
            sections=sections(news, user),
            digest=user.digest,
        )


def subject(news: News, every: DigestEvery) -> str:
    """What it tells, the most urgent first: `Digest: 2 alerts rang, 1 ends soon, AAPL +3.2 %`;
    `Alerts: 1 ends soon` for who gets no digest."""
    ends, over, blind = len(news.expiring), len(news.expired), len(news.blind)
    parts = [
        _rang(news.rang_in_all) if news.rang_in_all else "",
        ngettext("%(num)s not checked", "%(num)s not checked", blind) if blind else "",
        ngettext("%(num)s ends soon", "%(num)s end soon", ends) if ends else "",
        ngettext("%(num)s ended", "%(num)s ended", over) if over else "",
        *(f"{move.symbol} {units.signed_percent(move.change)}" for move in news.movers[:1]),
    ]
    told = ", ".join(part for part in parts if part)
    return (
        _("Alerts: %(news)s", news=told) if every == "never" else _("Digest: %(news)s", news=told)
    )


def _rang(count: int) -> str:
    return ngettext("%(num)s alert rang", "%(num)s alerts rang", count)


def sections(news: News, user: User) -> list[Section]:
    """What there is to tell; a section without a line is left out."""
    time_zone = user.time_zone

    def rang(trigger: Trigger) -> Line:
        return Line(
            phrases.headline(trigger.symbol, trigger.condition, trigger.currency, past=True),
            f"{units.price(trigger.price, trigger.currency)}"
            f" · {local_time(trigger.occurred_at, time_zone)}",
            f"/alerts/{trigger.alert_id}",
        )

    def ending(alert: Alert) -> Line:
        ends = local_time(alert.expires_at, time_zone) if alert.expires_at else ""
        return _of_alert(alert, ends)

    def blind(one: Blind) -> Line:
        since = local_time(one.unchecked.since, time_zone)
        reason = plain(told(one.unchecked.reason), 200)
        return _of_alert(one.alert, _("since %(time)s: %(reason)s", time=since, reason=reason))

    def move(mover: Mover) -> Line:
        return _of_mover(mover, time_zone)

    count = max(news.rang_in_all, len(news.rang))
    found = [
        _section(_("What rang"), news.rang, rang, "/triggers", count),
        _section(_("Not checked"), news.blind, blind, "/alerts"),
        _section(_(_ENDING[user.digest]), news.expiring, ending, "/alerts"),
        _section(_("Ended"), news.expired, ending, "/alerts"),
        _section(_("Biggest moves of your watchlists, last session"), news.movers, move, "/"),
    ]
    return [section for section in found if section.lines]


def _section(
    title: str,
    things: Sequence[T],
    line: Callable[[T], Line],
    path: str,
    count: int | None = None,
) -> Section:
    shown = [line(thing) for thing in things[:SHOWN]]
    return Section(title, shown, (len(things) if count is None else count) - len(shown), path)


def _of_alert(alert: Alert, detail: str) -> Line:
    currency = alert.baseline.currency if alert.baseline else ""
    head = phrases.headline(alert.symbol, alert.condition, currency)
    return Line(head, detail, f"/alerts/{alert.id}")


def _of_mover(mover: Mover, time_zone: str) -> Line:
    """With its time: the last session of another exchange may be another day."""
    details = (
        units.price(mover.price, plain(mover.currency, 10)),
        plain(mover.name, MAX_NAME),
        local_time(mover.as_of, time_zone),
        _(REPLAYED) if mover.source == "replay" else "",
    )
    return Line(
        f"{mover.symbol} {units.signed_percent(mover.change)}",
        " · ".join(detail for detail in details if detail),
        f"/alerts/new?symbol={quote(mover.symbol)}",
    )
