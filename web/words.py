"""How far, how long ago, in which state: facts as people say them, in the language spoken."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services import figures
from services.alerts import phrases
from services.figures import day_of_year, localized, short_day
from services.market.cache import MarketStatus
from services.market.models import MarketState
from services.reasons import told
from services.store.alerts import Alert
from services.texts import N_
from services.texts import gettext as _

UNITS = {"GBp": "p", "GBX": "p", "ZAc": "c", "ZAX": "c", "ILA": "ag."}
UNIT_NAMES = {
    "GBp": N_("pence, hundredths of a pound sterling"),
    "GBX": N_("pence, hundredths of a pound sterling"),
    "ZAc": N_("cents, hundredths of a rand"),
    "ZAX": N_("cents, hundredths of a rand"),
    "ILA": N_("agorot, hundredths of a shekel"),
}
_THOUSANDS = (N_("K"), N_("M"), N_("B"), N_("T"))
_SPANS = ((86_400, N_("d")), (3_600, N_("h")), (60, N_("min")), (0, N_("s")))
MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
HARD = "\N{NO-BREAK SPACE}"


class State(NamedTuple):
    """The state of an alert: a word, a sentence, and the name of its look."""

    word: str
    sentence: str
    look: str


def percent(value: float) -> str:
    """A change in per cent with its sign: `+1.23 %`."""
    rounded = round(value, 2)
    sign = "+" if rounded > 0 else MINUS if rounded < 0 else "±"
    return f"{sign}{localized(f'{abs(rounded):,.2f}')}{THIN}%"


def trend(value: float | None) -> str:
    """`up`, `down` or `flat`, as the rounded number shows it."""
    rounded = round(value or 0, 2)
    return "up" if rounded > 0 else "down" if rounded < 0 else "flat"


def compact(count: int) -> str:
    """A volume in three or four digits: `12.3 M`."""
    size = float(count)
    if abs(size) < 999.5:
        return f"{size:.0f}"
    for unit in _THOUSANDS:  # noqa: B007  it is said after the loop
        size /= 1_000
        if abs(size) < 999.5:
            break
    return f"{_three(size)}{THIN}{_(unit)}"


def unit_words() -> str:
    """The units of volumes and ages, for static/js/numbers.js."""
    return " ".join(_(unit) for unit in (*_THOUSANDS, *(name for _size, name in _SPANS)))


def _three(size: float) -> str:
    return localized(f"{size:.0f}" if size >= 99.95 else f"{size:.1f}")


def span(length: timedelta) -> str:
    """About how long: `40 s`, `5 min`, `3 h`, `2 d`."""
    seconds = max(0, int(length.total_seconds()))
    size, unit = next(each for each in _SPANS if seconds >= each[0])
    return f"{seconds // size if size else seconds}{HARD}{_(unit)}"


def age(length: timedelta) -> str:
    """How old a quote is: `now` in its first minute, then `5 min`."""
    return _("now") if length < timedelta(minutes=1) else span(length)


def ago(length: timedelta) -> str:
    """How long ago: `just now`, `5 min ago`."""
    return _("just now") if length < timedelta(minutes=1) else _("%(span)s ago", span=span(length))


def clock(moment: datetime, time_zone: str, now: datetime) -> str:
    """A time on the reader's wall; with its day unless that is today: `14:05`, `3 May, 14:05`."""
    zone = ZoneInfo(time_zone)
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    shown = short_day(local) if local.year != today.year else day_of_year(local)
    return f"{shown}, {local:%H:%M}"


def when(moment: datetime, time_zone: str, now: datetime) -> str:
    """A time within a sentence: `at 14:05`, `on 3 May, 14:05`."""
    text = clock(moment, time_zone, now)
    return _("on %(day)s", day=text) if "," in text else _("at %(time)s", time=text)


def day(moment: datetime, time_zone: str) -> str:
    """A day: `19 June 2000`."""
    return figures.day(moment.astimezone(ZoneInfo(time_zone)))


def unit_name(currency: str) -> str | None:
    """What a hundredth of a currency is; None for a currency itself."""
    name = UNIT_NAMES.get(currency)
    return _(name) if name else None


def unit(currency: str) -> str:
    """What stands after a price: the currency, or the sign of its hundredth."""
    return UNITS.get(currency, currency)


def state(alert: Alert, status: MarketStatus, time_zone: str, now: datetime) -> State:
    """Where an alert stands."""
    if alert.state == "triggered":
        at = when(alert.updated_at, time_zone, now)
        return State(_("Rang"), _("Rang %(when)s.", when=at), "rang")
    if alert.state == "expired":
        at = when(alert.updated_at, time_zone, now)
        return State(_("Expired"), _("Ended %(when)s.", when=at), "paused")
    if alert.state == "paused":
        return State(_("Paused"), told(alert.paused_because) or _("Paused by you."), "paused")
    if sleeps(alert, status):
        return State(_("Asleep"), _asleep(alert, status), "paused")
    if alert.state == "waiting":
        back = phrases.arms_once(alert.condition, alert.rearm_at, unit(_currency(alert)))
        return State(_("Waiting"), back, "waiting")
    if alert.rests_after is not None and alert.rests_after >= _market_day(status, now):
        rests = _("Rang today; asked again on the next trading day.")
        return State(_("Armed"), rests, "armed")
    since = clock(alert.armed_at or alert.updated_at, time_zone, now)
    return State(_("Armed"), _("Armed since %(time)s.", time=since), "armed")


def _currency(alert: Alert) -> str:
    return alert.baseline.currency if alert.baseline else ""


def _market_day(status: MarketStatus, now: datetime) -> date:
    """The day of the market that is shown, about: exchanges far east or west may be one off."""
    return (status.market_time or now).date()


def until(expires_at: datetime, time_zone: str) -> str:
    """The last day that counts: `Until 31 January 2027.`"""
    return _("Until %(day)s.", day=day(expires_at - timedelta(seconds=1), time_zone))


def sleeps(alert: Alert, status: MarketStatus) -> bool:
    """Whether an alert was set on another market than the one that is shown."""
    return bool(alert.baseline and status.source and alert.baseline.source != status.source)


def _asleep(alert: Alert, status: MarketStatus) -> str:
    set_on = alert.baseline.source if alert.baseline else ""
    return _(
        "Sleeps: set on %(one)s; now %(other)s is shown.",
        one=market_name(set_on),
        other=market_name(status.source),
    )


def market_state(state: MarketState) -> str:
    """What is said of a market that is not in its regular hours; nothing of one that is."""
    said = {"pre": N_("pre-market"), "post": N_("after hours"), "closed": N_("closed")}
    return _(said[state]) if state in said else ""


def market_name(source: str) -> str:
    known = {"replay": N_("the replayed market"), "yahoo": N_("the live market")}
    if source in known:
        return _(known[source])
    return _("the market “%(source)s”", source=source)


def split_ratio(ratio: float) -> str:
    """`2:1` for two new shares for each old one."""
    shares = Fraction(ratio).limit_denominator(1000)
    return f"{shares.numerator}:{shares.denominator}"
