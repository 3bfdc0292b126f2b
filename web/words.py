"""How far, how long ago, in which state: facts as people say them. Pure."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.alerts import phrases
from services.market.cache import MarketStatus
from services.market.models import MarketState
from services.store.alerts import Alert

UNITS = {"GBp": "p", "GBX": "p", "ZAc": "c", "ZAX": "c", "ILA": "ag."}
UNIT_NAMES = {
    "GBp": "pence, hundredths of a pound sterling",
    "GBX": "pence, hundredths of a pound sterling",
    "ZAc": "cents, hundredths of a rand",
    "ZAX": "cents, hundredths of a rand",
    "ILA": "agorot, hundredths of a shekel",
}
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
    return f"{sign}{abs(rounded):,.2f}{THIN}%"


def trend(value: float | None) -> str:
    """`up`, `down` or `flat`, as the rounded number shows it."""
    rounded = round(value or 0, 2)
    return "up" if rounded > 0 else "down" if rounded < 0 else "flat"


def compact(count: int) -> str:
    """A volume in three or four digits: `12.3 M`."""
    size = float(count)
    for unit in ("", "K", "M", "B"):
        if abs(size) < 999.5:
            return f"{size:.0f}" if not unit else f"{_three(size)}{THIN}{unit}"
        size /= 1_000
    return f"{_three(size)}{THIN}T"


def _three(size: float) -> str:
    return f"{size:.0f}" if size >= 99.95 else f"{size:.1f}"


def span(length: timedelta) -> str:
    """About how long: `40 s`, `5 min`, `3 h`, `2 d`."""
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size}{HARD}{unit}"
    return f"{seconds}{HARD}s"


def age(length: timedelta) -> str:
    """How old a quote is: `now` in its first minute, then `5 min`."""
    return "now" if length < timedelta(minutes=1) else span(length)


def ago(length: timedelta) -> str:
    """How long ago: `just now`, `5 min ago`."""
    return "just now" if length < timedelta(minutes=1) else f"{span(length)} ago"


def clock(moment: datetime, time_zone: str, now: datetime) -> str:
    """A time on the reader's wall; with its day unless that is today: `14:05`, `3 May, 14:05`."""
    zone = ZoneInfo(time_zone)
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    year = f" {local.year}" if local.year != today.year else ""
    return f"{local.day} {local:%b}{year}, {local:%H:%M}"


def when(moment: datetime, time_zone: str, now: datetime) -> str:
    """A time within a sentence: `at 14:05`, `on 3 May, 14:05`."""
    text = clock(moment, time_zone, now)
    return f"on {text}" if "," in text else f"at {text}"


def day(moment: datetime, time_zone: str) -> str:
    """A day: `19 June 2000`."""
    local = moment.astimezone(ZoneInfo(time_zone))
    return f"{local.day} {local:%B %Y}"


def unit(currency: str) -> str:
    """What stands after a price: the currency, or the sign of its hundredth."""
    return UNITS.get(currency, currency)


def state(alert: Alert, status: MarketStatus, time_zone: str, now: datetime) -> State:
    """Where an alert stands."""
    if alert.state == "triggered":
        return State("Rang", f"Rang {when(alert.updated_at, time_zone, now)}.", "rang")
    if alert.state == "expired":
        return State("Expired", f"Ended {when(alert.updated_at, time_zone, now)}.", "paused")
    if alert.state == "paused":
        return State("Paused", alert.paused_because or "Paused by you.", "paused")
    if sleeps(alert, status):
        return State("Asleep", _asleep(alert, status), "paused")
    if alert.state == "waiting":
        back = phrases.gone_back(alert.condition, alert.rearm_at, unit(_currency(alert)))
        return State("Waiting", f"Arms once {back}.", "waiting")
    if alert.rests_after is not None and alert.rests_after >= _market_day(status, now):
        return State("Armed", "Rang today; asked again on the next trading day.", "armed")
    since = clock(alert.armed_at or alert.updated_at, time_zone, now)
    return State("Armed", f"Armed since {since}.", "armed")


def _currency(alert: Alert) -> str:
    return alert.baseline.currency if alert.baseline else ""


def _market_day(status: MarketStatus, now: datetime) -> date:
    """The day of the market that is shown, about: exchanges far east or west may be one off."""
    return (status.market_time or now).date()


def until(expires_at: datetime, time_zone: str) -> str:
    """The last day that counts: `Until 31 January 2027.`"""
    return f"Until {day(expires_at - timedelta(seconds=1), time_zone)}."


def sleeps(alert: Alert, status: MarketStatus) -> bool:
    """Whether an alert was set on another market than the one that is shown."""
    return bool(alert.baseline and status.source and alert.baseline.source != status.source)


def _asleep(alert: Alert, status: MarketStatus) -> str:
    set_on = alert.baseline.source if alert.baseline else ""
    return f"Sleeps: set on {market_name(set_on)}; now {market_name(status.source)} is shown."


def market_state(state: MarketState) -> str:
    """What is said of a market that is not in its regular hours; nothing of one that is."""
    return {"pre": "pre-market", "post": "after hours", "closed": "closed"}.get(state, "")


def market_name(source: str) -> str:
    return {"replay": "the replayed market", "yahoo": "the live market"}.get(
        source, f"the market “{source}”"
    )


def split_ratio(ratio: float) -> str:
    """`2:1` for two new shares for each old one."""
    shares = Fraction(ratio).limit_denominator(1000)
    return f"{shares.numerator}:{shares.denominator}"
