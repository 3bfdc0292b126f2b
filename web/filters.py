"""What templates call to show prices, changes and times."""

from datetime import datetime, timedelta

from flask import Flask
from markupsafe import Markup, escape

from services.alerts import phrases, units
from services.alerts.conditions import Condition
from services.figures import localized
from services.reasons import told
from services.store.triggers import Delivery, Trigger
from web import channels, words
from web.context import now, signed_in

_MARKS = {"up": "▲", "down": "▼", "flat": "■"}


def register(app: Flask) -> None:
    app.jinja_env.filters.update(
        price=price,
        number=number,
        glance=glance,
        change=change,
        volume=words.compact,
        ago=words.ago,
        market_state=words.market_state,
        span=words.span,
        clock=clock,
        day=day,
        iso=iso,
        since=since,
        unit=words.unit,
        market_name=words.market_name,
        verb=verb,
        level=level,
        does=does,
        brief=phrases.brief,
        way=phrases.way,
        evidence=evidence,
        until=until,
        is_quiet=is_quiet,
        channel=channels.name_of,
        channels=channels.listed,
        too_little=phrases.too_little,
        told=told,
        split_ratio=words.split_ratio,
    )
    app.jinja_env.globals.update(unit_name=words.unit_name, unit_words=words.unit_words)


def number(value: float) -> str:
    """A price without its currency, with a true minus sign."""
    return units.number(value)


def glance(value: float) -> str:
    """A price to be compared at a glance: from 10 on with two decimals."""
    if abs(value) < 10:
        return number(value)
    return localized(f"{value:,.2f}").replace("-", words.MINUS)


def price(value: float, currency: str) -> Markup:
    """A price and its currency; minor units such as pence with their names as a hint."""
    hint = words.unit_name(currency)
    unit = (
        Markup('<abbr class="unit" title="{}">{}</abbr>').format(hint, words.unit(currency))
        if hint
        else Markup('<span class="unit">{}</span>').format(currency)
    )
    return Markup('<span class="price">{} {}</span>').format(number(value), unit)


def level(condition: Condition, currency: str) -> Markup:
    """The rest of what a symbol does, from the level on, with prices as `price` shows them."""
    message, values = phrases.told(condition, currency, price_of=price)
    return Markup(message[_before_level(message) :]) % values  # noqa: S704 - of our catalogs


def verb(condition: Condition, past: bool = False) -> str:
    """The beginning of what a symbol does or did, up to the level: `rises to`. In other languages
    as well the level and what follows it stand behind: see `level`."""
    message, _values = phrases.told(condition, "", past)
    return message[: _before_level(message)].rstrip()


def does(condition: Condition, currency: str, past: bool = False) -> Markup:
    """What a symbol does or did, prices as `price` shows them: `rises to 200.00 USD`."""
    message, values = phrases.told(condition, currency, past, price)
    return Markup(message) % values  # noqa: S704 - of our catalogs


def _before_level(message: str) -> int:
    place = message.find("%(")
    return len(message) if place < 0 else place


def evidence(trigger: Trigger) -> list[phrases.Evidence]:
    return phrases.evidence(trigger, words.unit(trigger.currency))


def is_quiet(delivery: Delivery) -> bool:
    """Whether quiet hours hold a delivery back; nothing else moves a first one never tried."""
    due_at = delivery.due_at
    is_first = delivery.state == "pending" and delivery.round == 0
    return is_first and due_at is not None and due_at > now()


def until(expires_at: datetime) -> str:
    return words.until(expires_at, _zone())


def change(value: float | None) -> Markup:
    """A change in per cent, told by shape, sign and colour."""
    if value is None:
        return Markup('<span class="none">–</span>')
    trend = words.trend(value)
    return Markup(
        '<span class="change {0}"><span class="mark" aria-hidden="true">{1}</span>{2}</span>'
    ).format(trend, _MARKS[trend], words.percent(value))


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def clock(moment: datetime | None) -> Markup:
    """A time in the reader's zone, with the whole of it as a hint."""
    if moment is None:
        return Markup("–")
    zone = _zone()
    text = words.clock(moment, zone, now())
    return Markup('<time datetime="{}">{}</time>').format(iso(moment), text)


def day(moment: datetime, time_zone: str | None = None) -> str:
    return str(escape(words.day(moment, time_zone or _zone())))


def since(moment: datetime) -> timedelta:
    """How long ago a moment was."""
    return now() - moment


def _zone() -> str:
    person = signed_in()
    return person.time_zone if person else "UTC"
