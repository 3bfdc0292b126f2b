"""The editor of an alert: one sentence with choices in it, and what is known of it."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import url_for

from services.accounts.profiles import Profile
from services.alerts.arming import check_note
from services.errors import BellwetherError, InvalidInput, WordsError
from services.store.alerts import MAX_NOTE, Alert
from services.texts import gettext as _
from web import alert_form, channels, forms, look, words
from web.context import me, now
from web.forms import Form, is_symbol
from web.look import Look
from web.setting import Wish
from web.usual_alerts import USUAL


def wish_of(form: Form) -> Wish:
    """The alert that the sentence says. Raises InvalidInput."""
    return Wish(
        symbol=forms.one_line(form["symbol"]),
        condition=alert_form.condition_of(form),
        frequency=alert_form.frequency_of(form),
        expires_at=alert_form.expiry_of(form, me().time_zone, now()),
        note=check_note(forms.paragraph(form["note"])),
        rearm_margin=alert_form.margin_of(form),
        urgent=alert_form.urgent_of(form),
        channels=alert_form.channels_of(form, me()),
    )


def filled_with(wish: Wish, form: Form) -> Form:
    """The sentence of a wish; what no words say stays as it stands in `form`."""
    kept = {name: form[name] for name in ("text", "channels", "note", "margin") if form[name]}
    values = {
        **alert_form.DEFAULTS,
        **kept,
        **alert_form.values_of(wish.condition),
        "symbol": wish.symbol,
        "frequency": wish.frequency,
        "expires": alert_form.last_day(wish.expires_at, me().time_zone),
        "urgent": "yes" * wish.urgent,
        "understood": wish.sentence,
    }
    return Form(values)


def with_defaults(form: Form) -> Form:
    """A form in which no choice is left open."""
    given = {name: value for name, value in form.values.items() if value}
    return Form({**form.values, **alert_form.DEFAULTS, **given}, form.errors)


def look_of(form: Form, alert: Alert | None, wait: float, past_wait: float) -> Look:
    """What is known of the sentence so far, though it may not be whole yet."""
    try:
        wish = wish_of(form)
    except (InvalidInput, WordsError):
        wish = None
    is_as_set = alert is not None and wish is not None and wish.condition == alert.condition
    symbol = alert.symbol if alert else forms.one_line(form["symbol"])
    return look.look_at(symbol, wish, wait, past_wait, is_as_set)


def context(
    form: Form, seen: Look, alert: Alert | None = None, already: str = ""
) -> dict[str, Any]:
    """What the editor's templates need. `already` says where a metric stands that has reached
    its level, if the market was asked just now."""
    quote = seen.cached.quote if seen.cached else None
    unknown = seen.unknown
    return {
        "form": form,
        "look": seen,
        "alert": alert,
        "already": already or seen.already,
        "quote": quote,
        "unit": words.unit(quote.currency) if quote else "",
        "suggestions": [s for s in unknown.suggestions if is_symbol(s[0])] if unknown else [],
        "unknown": unknown,
        "choices": alert_form.choices(form, me()),
        "part": alert_form.PARTS.get(form["kind"], ""),
        "usual": _usual(quote.price if quote else None),
        "in_short": in_short(form, me()),
        "max_note": MAX_NOTE,
        "look_at": url_for("look.look"),
    }


def _usual(price: float | None) -> list[tuple[str, Any, str]]:
    """Name, label, and the blanks that a tap fills, as JSON; "" where a server must fill them."""
    filled = ((usual, usual.fill(price)) for usual in USUAL)
    return [(usual.name, usual.label, json_of(blanks)) for usual, blanks in filled]


def json_of(blanks: Mapping[str, str] | None) -> str:
    return json.dumps(dict(blanks)) if blanks else ""


def in_short(form: Form, person: Profile) -> str:
    """How often, by what and until when it rings: `Once, by E-mail, until you delete it.`"""
    by = channels.listed(form["channels"].split() or person.channels)
    try:
        ends = alert_form.expiry_of(form, person.time_zone, now())
    except BellwetherError:
        ends = None
    if ends is None:
        return _endless(form["frequency"], by)
    return _ending(form["frequency"], by, words.day(ends - timedelta(seconds=1), person.time_zone))


def _endless(frequency: str, by: str) -> str:
    match frequency:
        case "daily":
            return _("At most once a day, by %(channels)s, until you delete it.", channels=by)
        case "every":
            return _("Every time, by %(channels)s, until you delete it.", channels=by)
    return _("Once, by %(channels)s, until you delete it.", channels=by)


def _ending(frequency: str, by: str, day: str) -> str:
    match frequency:
        case "daily":
            return _("At most once a day, by %(channels)s, until %(day)s.", channels=by, day=day)
        case "every":
            return _("Every time, by %(channels)s, until %(day)s.", channels=by, day=day)
    return _("Once, by %(channels)s, until %(day)s.", channels=by, day=day)
