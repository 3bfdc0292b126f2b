"""What the pages behind the links of mails say, in words of their reader's time zone. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from services.alerts import phrases
from services.alerts.follow_up import Follow
from services.market.cache import MarketStatus
from services.notify.snoozing import HOURS, Reminder
from services.store.alerts import Alert
from services.store.triggers import Trigger
from services.store.users import EMAIL, PUSH, User
from services.texts import N_
from services.texts import gettext as _
from web import words
from web.channels import enumerated


class Link(NamedTuple):
    """Where to go on."""

    label: str
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A page with at most one button, which posts to where the page came from.

    `is_done` says whether it stands as the link's owner wants it; `about` is what it is about.
    """

    title: str
    text: str
    about: str = ""
    button: str = ""
    hours: tuple[int, ...] = ()
    link: Link | None = None
    status: int = 200
    is_done: bool = False

    @property
    def said(self) -> str:
        """All of it in one line, for a notification."""
        return f"{self.title}. {self.text}"


def bad_link(reason: str) -> Answer:
    text = _(
        "%(reason)s Nothing was changed. Sign in to change your alerts and what is sent to you.",
        reason=reason,
    )
    return Answer(_("This link does not work"), text, link=_account(), status=410)


# Pausing an alert


def pause(alert: Alert, currency: str) -> Answer:
    about, link = _headline(alert, currency), _to_alert(alert)
    if alert.state == "paused":
        text = _("Nothing rings for it until you set it again.")
        return Answer(_("Paused"), text, about, link=link, is_done=True)
    if alert.state not in ("armed", "waiting"):
        text = _("Nothing rings for it until you set it again.")
        return Answer(_("It does not ring any more"), text, about, link=link, is_done=True)
    return Answer(
        _("Pause this alert?"), _("Nothing rings for it until you resume it."), about, _("Pause it")
    )


def pause_gone() -> Answer:
    return Answer(
        _("This alert is gone"), _("It has been deleted, and rings no more."), is_done=True
    )


# Stopping mail


def stop(user: User) -> Answer:
    if user.mail_stopped_at is None:
        text = _(
            "Your alerts go on and are shown when you sign in, but no mail about them goes to"
            " %(email)s.",
            email=user.email,
        )
        return Answer(_("Stop all mail?"), text, button=_("Stop all mail"))
    text = _(
        "Your alerts go on, but no mail about them goes to %(email)s."
        " Mails that you ask for, such as for a new password, still come.",
        email=user.email,
    )
    link = Link(_("Start it again on your account page"), "/account")
    return Answer(_("All mail is stopped"), text, link=link, is_done=True)


# Ringing again


def again(
    follow: Follow, currency: str, status: MarketStatus, time_zone: str, now: datetime
) -> Answer:
    """The question, or how the alert stands: whoever armed it, it is armed."""
    alert = follow.alert
    about, link = _headline(alert, currency), _to_alert(alert)
    if follow.is_open:
        return Answer(_("Ring again?"), _offer(alert, now), about, _("Ring again"), link=link)
    stands = words.state(alert, status, time_zone, now).sentence
    if follow.is_new:
        return Answer(_("It is set again"), stands, about, link=link, is_done=True)
    if alert.state in ("armed", "waiting"):
        text = _("%(state)s There is nothing to do.", state=stands)
        return Answer(_("It is set already"), text, about, link=link, is_done=True)
    text = _(
        "%(state)s It was set again since this message, so that this link does nothing more.",
        state=stands,
    )
    return Answer(_("This message is not the latest"), text, about, link=link)


def again_gone() -> Answer:
    text = _("It has been deleted, so that it cannot ring again. Nothing was changed.")
    return Answer(
        _("This alert is gone"), text, link=Link(_("See your alerts"), "/alerts"), status=410
    )


def again_later(alert: Alert, currency: str, reason: str) -> Answer:
    """Nothing was done for want of a quote; the button tries once more."""
    about, link = _headline(alert, currency), _to_alert(alert)
    return Answer(_("Not now"), reason, about, _("Try again"), link=link, status=503)


def again_refused(alert: Alert, currency: str, reason: str) -> Answer:
    text = _("%(reason)s Nothing was changed.", reason=reason)
    about = _headline(alert, currency)
    return Answer(_("It cannot be set again"), text, about, link=_to_alert(alert), status=422)


def _offer(alert: Alert, now: datetime) -> str:
    text = _("It will be set as it was. If it is true already, it waits for the next crossing.")
    if alert.expires_at is not None and alert.expires_at <= now:
        return _(
            "It will be set as it was. If it is true already, it waits for the next crossing."
            " Its last day is over: from now on it has none."
        )
    return text


# Being told once more


def snooze(reminder: Reminder, now: datetime) -> Answer:
    trigger = reminder.trigger
    about, link = _happened(trigger), Link(_("See the alert"), f"/alerts/{trigger.alert_id}")
    if reminder.stand == "open":
        text = _("You will be told once more, by %(channels)s.", channels=channels_text(reminder))
        return Answer(_("Remind you later?"), text, about, _("Remind me"), HOURS)
    if reminder.stand == "set":
        text = set_text(reminder, now)
        return Answer(_("A reminder is set"), text, about, link=link, is_done=True)
    title, text, status = _REFUSALS[reminder.stand]
    title, text = _(title), _(text)
    button = _("Try again") if reminder.stand == "sending" else ""
    return Answer(title, reminder.because or text, about, button, link=link, status=status)


def snooze_gone() -> Answer:
    text = _("What this message tells of has been deleted. Nothing was changed.")
    return Answer(_("There is nothing to remind you of"), text, link=_account(), status=410)


def bad_choice(reason: str) -> Answer:
    return Answer(
        _("Choose a time"),
        _("%(reason)s Nothing was changed.", reason=reason),
        "",
        _("Remind me"),
        HOURS,
        status=422,
    )


def set_text(reminder: Reminder, now: datetime) -> str:
    """When and how one is told again."""
    at = reminder.due_at
    when = words.when(at, reminder.user.time_zone, now) if at and at > now else _("in a moment")
    message = N_("You will be told again %(when)s, by %(channels)s.")
    if reminder.is_held:
        message = N_("You will be told again %(when)s, when your quiet hours end, by %(channels)s.")
    text = _(message, when=when, channels=channels_text(reminder))
    if reminder.is_new:
        return text
    return _("%(state)s It was set before; nothing was changed.", state=text)


def refusal_text(reminder: Reminder) -> str:
    """Why nobody is told again."""
    return reminder.because or _(_REFUSALS[reminder.stand][1])


def channels_text(reminder: Reminder) -> str:
    """Names of channels, as in `mail, push and Phone`."""
    names = [_channel(reminder.user, name) for name in reminder.channels]
    return enumerated(names)


_REFUSALS = {
    "told": (
        N_("You were told again already"),
        N_("The reminder has come. Its own link sets the next one. Nothing was changed."),
        200,
    ),
    "sending": (
        N_("Not now"),
        N_(
            "This message is just being sent, so that it cannot be repeated yet."
            " Nothing was changed: try again in two minutes."
        ),
        503,
    ),
    "untold": (
        N_("There is nothing to repeat"),
        N_(
            "No channel of yours took this message; the alert's page says why. Nothing was changed."
        ),
        409,
    ),
    "silent": (N_("Nothing would reach you"), N_("No mail goes to you now."), 409),
}


def _channel(user: User, name: str) -> str:
    if name in (EMAIL, PUSH):
        return _("mail") if name == EMAIL else _("push")
    destination = user.destination(name)
    return destination.name if destination else _("a channel that is gone")


def _account() -> Link:
    return Link(_("Go to your account"), "/account")


def _headline(alert: Alert, currency: str) -> str:
    return phrases.headline(alert.symbol, alert.condition, words.unit(currency))


def _happened(trigger: Trigger) -> str:
    currency = words.unit(trigger.currency)
    return phrases.headline(trigger.symbol, trigger.condition, currency, past=True)


def _to_alert(alert: Alert) -> Link:
    return Link(_("See the alert"), f"/alerts/{alert.id}")
