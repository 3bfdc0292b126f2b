"""Words and layout of all mails, from the templates in templates/mail."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services import texts
from services.accounts.links import Links
from services.alerts import phrases, units
from services.figures import day
from services.jobs import AccountMail, Notice
from services.notify.deliveries import identity
from services.notify.message import Image, Message
from services.reasons import told
from services.store.alerts import Alert
from services.store.triggers import Trigger
from services.store.users import EMAIL, User
from services.texts import N_, ngettext
from services.texts import gettext as _

_FOLDER = Path(__file__).parents[2] / "templates" / "mail"
_SUBJECTS: dict[AccountMail, str] = {
    "confirm": N_("Confirm your e-mail address"),
    "reset": N_("Set a new password"),
    "known": N_("You have an account already"),
    "changed": N_("Your password was changed"),
}
_SHOWN = 20
"""Alerts that a notice names, at most."""
_NAMED = 5
"""Symbols in a subject, at most."""
_IN_FULL = 5
"""Triggers of a mail that show all their evidence, at most: mail programs cut what is longer than
100 KB. The others have a line each."""
_NO_CHARTS: Mapping[str, Image] = {}
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Ring:
    """A trigger as a mail tells of it, in its reader's time zone."""

    trigger: Trigger
    happened: str
    evidence: Sequence[tuple[str, str]]
    occurred: str
    noticed: str
    link: str
    pause_link: str
    snooze_link: str
    again_link: str
    chart: Image | None


class Composer:
    """Writes mails. `address` is the site's public address without a slash at its end; `links`
    signs what a mail may do without a log-in."""

    def __init__(self, address: str, mail_from: str, links: Links) -> None:
        self._address = address
        self._links = links
        self._domain = parseaddr(mail_from)[1].rpartition("@")[2] or "localhost"
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self._templates.install_gettext_callables(  # type: ignore[attr-defined]
            texts.gettext, texts.form_for, newstyle=True
        )
        self._templates.globals["language"] = texts.language
        self._templates.filters["price"] = units.number
        self._templates.filters["plain"] = units.plain

    def triggers(
        self,
        triggers: Sequence[Trigger],
        user: User,
        group: str | None,
        now: datetime,
        charts: Mapping[str, Image] = _NO_CHARTS,
    ) -> Message:
        """One mail about all that rang; `group` names those that are more than one, `charts` are
        by the triggers' ids."""
        if group is None:
            return self.trigger(triggers[0], user, now, charts)
        title = alerts_rang(triggers)
        rings = [self._ring(trigger, user, now, charts) for trigger in triggers]
        return self._message(
            "triggers",
            to=user.email,
            subject=f"{_said_again(triggers, title)} · Bellwether",
            key=f"{group}.email",
            stop_link=self._stop_link(user, now),
            images=_shown(rings),
            title=title,
            rings=rings[:_IN_FULL],
            others=rings[_IN_FULL:],
            history=f"{self._address}/triggers",
        )

    def trigger(
        self,
        trigger: Trigger,
        user: User,
        now: datetime,
        charts: Mapping[str, Image] = _NO_CHARTS,
    ) -> Message:
        """The bell: what happened, with the evidence, in the reader's time zone."""
        symbol, condition, currency = trigger.symbol, trigger.condition, trigger.currency
        subject = phrases.subject(symbol, trigger.price, condition, currency)
        ring = self._ring(trigger, user, now, charts)
        return self._message(
            "trigger",
            to=user.email,
            subject=f"{_said_again([trigger], subject)} · Bellwether",
            key=f"{identity(trigger, EMAIL)}.email",
            stop_link=self._stop_link(user, now),
            images=_shown([ring]),
            ring=ring,
        )

    def _ring(
        self, trigger: Trigger, user: User, now: datetime, charts: Mapping[str, Image]
    ) -> Ring:
        currency, uid, links = trigger.currency, user.uid, self._links
        snooze = links.make_snooze(uid, trigger.id, _round(trigger), now)
        again = links.make_again(uid, trigger.alert_id, trigger.epoch, now)
        return Ring(
            trigger=trigger,
            happened=phrases.headline(trigger.symbol, trigger.condition, currency, past=True),
            evidence=phrases.evidence(trigger, currency),
            occurred=local_time(trigger.occurred_at, user.time_zone),
            noticed=local_time(trigger.noticed_at, user.time_zone),
            link=f"{self._address}/alerts/{trigger.alert_id}",
            pause_link=self._pause_link(user, trigger.alert_id, now),
            snooze_link=f"{self._address}/mail/snooze/{snooze}",
            again_link=f"{self._address}/mail/again/{again}",
            chart=charts.get(trigger.id),
        )

    def _pause_link(self, user: User, alert_id: str, now: datetime) -> str:
        return f"{self._address}/mail/pause/{self._links.make_pause(user.uid, alert_id, now)}"

    def _stop_link(self, user: User, now: datetime) -> str:
        return f"{self._address}/mail/stop/{self._links.make_stop(user.uid, now)}"

    def test(self, user: User, key: str) -> Message:
        """A mail that shows that mail arrives; `key` is its identity."""
        subject = _("This is how an alert reaches you")
        return self._message(
            "test",
            to=user.email,
            subject=f"{subject} · Bellwether",
            key=key,
            link=f"{self._address}/account",
        )

    def account(self, kind: AccountMail, user: User, token: str, key: str) -> Message:
        """A mail about the account; `token` is the signed part of its link, `key` its identity."""
        path = "/confirm/" if kind == "confirm" else "/reset/"
        return self._message(
            kind,
            to=user.email,
            subject=f"{_(_SUBJECTS[kind])} · Bellwether",
            key=key,
            link=f"{self._address}{path}{token}",
        )

    def goodbye(self, email: str, key: str) -> Message:
        """The last mail, to somebody whose account is deleted; `key` is its identity."""
        title = _("Your account is deleted")
        return self._message("goodbye", to=email, subject=f"{title} · Bellwether", key=key)

    def notice(
        self, kind: Notice, alerts: Sequence[Alert], user: User, key: str, now: datetime
    ) -> Message:
        """What became of alerts, of one symbol, without their owner; `key` is its identity."""
        symbol, split = alerts[0].symbol, alerts[0].adjustments[-1:]
        title = _title_of(kind, symbol, len(alerts))
        return self._message(
            kind,
            to=user.email,
            subject=f"{title} · Bellwether",
            key=key,
            stop_link=self._stop_link(user, now),
            pause_link=lambda alert: self._pause_link(user, alert.id, now),
            title=title,
            symbol=symbol,
            alerts=alerts,
            shown=_SHOWN,
            because=told(alerts[0].paused_because),
            split=split[0] if split else None,
            day=day(split[0].session) if split else None,
            headline=lambda alert: phrases.headline(symbol, alert.condition, _currency(alert)),
            level_before=lambda alert: units.price(
                alert.adjustments[-1].level_before, _currency(alert)
            ),
            link=f"{self._address}/alerts",
        )

    def write(self, template: str, user: User, key: str, now: datetime, **facts: Any) -> Message:
        """A mail of which another module has the facts, `subject` among them; `key` is its
        identity. It has the link that stops all mail."""
        return self._message(
            template,
            to=user.email,
            key=key,
            stop_link=self._stop_link(user, now),
            **facts,
        )

    def _message(
        self,
        template: str,
        *,
        to: str,
        subject: str,
        key: str,
        stop_link: str | None = None,
        images: tuple[Image, ...] = (),
        **facts: Any,
    ) -> Message:
        facts = {"address": self._address, "subject": subject, "stop_link": stop_link, **facts}
        return Message(
            to=to,
            subject=_CONTROLS.sub(" ", subject)[:200],
            text=self._templates.get_template(f"{template}.txt").render(facts),
            html=self._templates.get_template(f"{template}.html").render(facts),
            message_id=f"{key}@{self._domain}",
            stop_link=stop_link,
            images=images,
        )


def alerts_rang(triggers: Sequence[Trigger]) -> str:
    """`4 alerts rang: AAPL, MSFT`."""
    return ngettext(
        "%(num)s alert rang: %(symbols)s",
        "%(num)s alerts rang: %(symbols)s",
        len(triggers),
        symbols=symbols_of(triggers),
    )


def symbols_of(triggers: Sequence[Trigger]) -> str:
    """Which symbols rang, the first few by name: `AAPL, MSFT, IBM and 4 more`."""
    symbols = list(dict.fromkeys(trigger.symbol for trigger in triggers))
    named, more = ", ".join(symbols[:_NAMED]), len(symbols) - _NAMED
    return _("%(named)s and %(count)s more", named=named, count=more) if more > 0 else named


def _round(trigger: Trigger) -> int:
    delivery = trigger.deliveries.get(EMAIL)
    return delivery.round if delivery else 0


def _said_again(triggers: Sequence[Trigger], subject: str) -> str:
    """The subject; of what its reader asked to be told once more it says so."""
    is_again = all(_round(trigger) for trigger in triggers)
    return _("Again: %(subject)s", subject=subject) if is_again else subject


def _title_of(kind: Notice, symbol: str, count: int) -> str:
    if kind == "split":
        return _("The levels of your %(symbol)s alerts moved with its split", symbol=symbol)
    return ngettext(
        "No prices of %(symbol)s: alert paused",
        "No prices of %(symbol)s: alerts paused",
        count,
        symbol=symbol,
    )


def _shown(rings: Sequence[Ring]) -> tuple[Image, ...]:
    return tuple(ring.chart for ring in rings[:_IN_FULL] if ring.chart)


def _currency(alert: Alert) -> str:
    return alert.baseline.currency if alert.baseline else ""


def local_time(moment: datetime, time_zone: str) -> str:
    """A time as people read it, such as `29 September 2000, 15:42 CEST`."""
    local = moment.astimezone(ZoneInfo(time_zone))
    return f"{day(local)}, {local:%H:%M %Z}"
