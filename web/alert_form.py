"""The form of an alert: which blanks each kind has, and how they become a condition and back."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, cast, get_args
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from pydantic import TypeAdapter, ValidationError

from services.accounts.preferences import checked_channels
from services.accounts.profiles import Profile
from services.alerts import units
from services.alerts.arming import IfTrue
from services.alerts.conditions import WINDOWS, Condition
from services.errors import InvalidInput
from services.figures import typed
from services.market.money import price_text
from services.notify.naming import kept
from services.store.alerts import MAX_REARM_MARGIN, Alert, Frequency
from services.texts import gettext as _
from web import channels, forms
from web.faults import faults, message, place
from web.forms import Form
from web.setting import REARM_MARGIN

LAST_DAY = date(2999, 12, 31)
_CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


class Blank(NamedTuple):
    """A field of the form, the member of the condition that it fills, and both ways between."""

    name: str
    member: str
    read: Callable[[str, str], object]
    write: Callable[[Any], str]


def _written(value: float) -> str:
    """A level as it may be typed again: no digit is lost, none is noise."""
    shown = price_text(value).replace(",", "")
    return shown if float(shown) == value else format(Decimal(repr(value)), "f")


def _plain(value: float) -> str:
    shown = _written(value)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _number(name: str, member: str) -> Blank:
    return Blank(name, member, forms.number, _plain)


def _whole(name: str, member: str) -> Blank:
    return Blank(name, member, forms.whole, str)


def _choice(name: str, member: str) -> Blank:
    return Blank(name, member, lambda text, _name: text, str)


_LEVEL = Blank("level", "level", forms.number, _written)
_EXTENDED = Blank("extended", "extended", lambda text, _name: text == "yes", lambda on: "yes" * on)
_DOWN_TODAY = Blank(
    "change", "level", lambda text, name: 0 - forms.number(text, name), lambda value: _plain(-value)
)
_PRICE = (_LEVEL, _EXTENDED)
_TRAIL = (_number("trail", "percent"),)
_SPAN = (_choice("span", "span"),)
_RSI = (_number("rsi", "level"), _whole("rsi_days", "days"))
BLANKS: Mapping[str, tuple[Blank, ...]] = {
    "price_rises_to": _PRICE,
    "price_falls_to": _PRICE,
    "day_change_rises_to": (_number("change", "level"),),
    "day_change_falls_to": (_DOWN_TODAY,),
    "moves_by": (
        _number("move", "percent"),
        _choice("window", "window"),
        _choice("move_way", "direction"),
    ),
    "falls_from_peak": _TRAIL,
    "rises_from_trough": _TRAIL,
    "new_high": _SPAN,
    "new_low": _SPAN,
    "crosses_average": (
        _choice("average", "average"),
        _whole("average_days", "days"),
        _choice("average_way", "direction"),
    ),
    "averages_cross": (
        _whole("fast", "fast"),
        _whole("slow", "slow"),
        _choice("cross_way", "direction"),
    ),
    "rsi_rises_to": _RSI,
    "rsi_falls_to": _RSI,
    "volume_reaches": (_number("ratio", "ratio"),),
    "earnings_within": (_whole("earnings_days", "days"),),
}
_OF_ALL_KINDS = (
    "kind",
    "frequency",
    "margin",
    "expires",
    "urgent",
    "channels",
    "note",
    "if_true",
)
FIELDS = (
    *_OF_ALL_KINDS,
    *dict.fromkeys(blank.name for blanks in BLANKS.values() for blank in blanks),
)
DEFAULTS = {
    "kind": "price_rises_to",
    "window": "1h",
    "move_way": "either",
    "span": "52w",
    "average": "sma",
    "average_days": "200",
    "average_way": "up",
    "fast": "50",
    "slow": "200",
    "cross_way": "up",
    "rsi_days": "14",
    "earnings_days": "5",
    "frequency": "once",
    "margin": f"{REARM_MARGIN:g}",
}
KINDS = (
    (
        _l("Price"),
        (
            ("price_rises_to", _l("rises to")),
            ("price_falls_to", _l("falls to")),
            ("falls_from_peak", _l("falls from its high by")),
            ("rises_from_trough", _l("rises from its low by")),
            ("new_high", _l("makes a new high")),
            ("new_low", _l("makes a new low")),
            ("moves_by", _l("moves")),
        ),
    ),
    (
        _l("Today"),
        (
            ("day_change_rises_to", _l("is up today by")),
            ("day_change_falls_to", _l("is down today by")),
        ),
    ),
    (
        _l("Trend"),
        (
            ("crosses_average", _l("crosses its average")),
            ("averages_cross", _l("has its averages cross")),
            ("rsi_rises_to", _l("has its RSI rise to")),
            ("rsi_falls_to", _l("has its RSI fall to")),
        ),
    ),
    (_l("Volume"), (("volume_reaches", _l("has its volume reach")),)),
    (_l("Calendar"), (("earnings_within", _l("reports earnings within")),)),
)
PARTS: Mapping[str, str] = {
    "price_rises_to": "price",
    "price_falls_to": "price",
    "day_change_rises_to": "day",
    "day_change_falls_to": "day",
    "moves_by": "move",
    "falls_from_peak": "trail",
    "rises_from_trough": "trail",
    "new_high": "span",
    "new_low": "span",
    "crosses_average": "average",
    "averages_cross": "cross",
    "rsi_rises_to": "rsi",
    "rsi_falls_to": "rsi",
    "volume_reaches": "volume",
    "earnings_within": "earnings",
}
"""By kind, the part of the sentence that has its blanks."""
FREQUENCIES: Mapping[Frequency, Any] = {
    "once": _l("once"),
    "daily": _l("at most once a day"),
    "every": _l("every time"),
}
_USUAL_SPANS = ("5d", "20d", "50d", "100d", "13w", "26w", "52w", "104w")


def posted(*more: str) -> Form:
    """What was sent of the form, and of the fields `more`."""
    return Form.posted(*more, *FIELDS).with_all("channels")


def choices(form: Form, person: Profile) -> dict[str, Any]:
    """What the form offers."""
    spans = dict.fromkeys((*_USUAL_SPANS, *([form["span"]] if form["span"] else [])))
    return {
        "kinds": KINDS,
        "frequencies": FREQUENCIES,
        "windows": {window: units.window_text(window) for window in WINDOWS},
        "spans": {span: _span(span) for span in spans},
        "channels": channels.named(person),
        "usual_channels": person.channels,
    }


def _span(span: str) -> str:
    count, unit = span[:-1], span[-1:]
    if unit == "w":
        return _("%(count)s weeks", count=count)
    return _("%(count)s trading days", count=count) if unit == "d" else span


def condition_of(form: Form) -> Condition:
    """The condition that a form says. Raises InvalidInput, which names the form's field."""
    kind = form["kind"]
    if kind not in BLANKS:
        raise InvalidInput("kind", _("Choose what to wait for."))
    blanks = BLANKS[kind]
    members = {blank.member: blank.read(form[blank.name], blank.name) for blank in blanks}
    try:
        return _CONDITION.validate_python({"kind": kind, **members})
    except ValidationError as error:
        found = faults(error)[0]
        raise InvalidInput(_blamed(kind, place(found).split(".")), message(found)) from None


def _blamed(kind: str, members: Sequence[str]) -> str:
    """The form's field of a fault in a condition; the first one where it is of the whole."""
    named = [blank.name for blank in BLANKS[kind] if blank.member in members]
    return named[0] if named else BLANKS[kind][0].name


def field_of(error: InvalidInput, kind: str) -> str:
    """The form's field of an error about an alert, such as `condition.level`."""
    whole, _, member = error.field.partition(".")
    if whole == "condition" and kind in BLANKS:
        return _blamed(kind, [member])
    return {"expires_at": "expires", "rearm_margin": "margin"}.get(error.field, error.field)


def frequency_of(form: Form) -> Frequency:
    """How often it may ring. Raises InvalidInput."""
    chosen = form["frequency"] or "once"
    if chosen not in FREQUENCIES:
        raise InvalidInput("frequency", _("Choose how often it may ring."))
    return cast(Frequency, chosen)


def margin_of(form: Form) -> float:
    """How far it goes back before it may ring again, per cent of the level. Raises InvalidInput."""
    if not form["margin"].strip():
        return REARM_MARGIN
    margin = forms.number(form["margin"], "margin")
    if not 0 <= margin <= MAX_REARM_MARGIN:
        most = f"{MAX_REARM_MARGIN:g}"
        raise InvalidInput("margin", _("This must be 0 to %(most)s per cent.", most=most))
    return margin


def urgent_of(form: Form) -> bool:
    """Whether it rings in quiet hours, too."""
    return form["urgent"] == "yes"


def channels_of(form: Form, person: Profile) -> tuple[str, ...] | None:
    """The channels by which it is to ring; None, where none is ticked, for its owner's usual ones.
    Raises InvalidInput."""
    return checked_channels("channels", form["channels"].split(), person.destinations) or None


def expiry_of(form: Form, time_zone: str, now: datetime) -> datetime | None:
    """The end of the day until which it is to count, UTC; None for ever. Raises InvalidInput."""
    typed = form["expires"].strip()
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed) if len(typed) == 10 else None
    except ValueError:
        day = None
    if day is None or day > LAST_DAY:
        raise InvalidInput(
            "expires", _("Write the last day as year-month-day, such as 2027-01-31.")
        )
    ends = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(time_zone)).astimezone(UTC)
    if ends <= now:
        raise InvalidInput("expires", _("This day is over. Choose today or a later one."))
    return ends


def last_day(expires_at: datetime | None, time_zone: str) -> str:
    """The day of `expiry_of`, as a date field shows it."""
    if expires_at is None:
        return ""
    return (expires_at - timedelta(seconds=1)).astimezone(ZoneInfo(time_zone)).date().isoformat()


def if_true_of(form: Form) -> IfTrue | None:
    """What to do about a condition that is true already; None while nobody was asked."""
    choice = form["if_true"]
    return cast(IfTrue, choice) if choice in get_args(IfTrue) else None


def values_of(condition: Condition) -> dict[str, str]:
    """How a condition stands in the form."""
    return {"kind": condition.kind} | {
        blank.name: typed(blank.write(getattr(condition, blank.member)))
        for blank in BLANKS[condition.kind]
    }


def filled(alert: Alert, person: Profile) -> Form:
    """The form of an alert as it is."""
    return Form(
        {
            **DEFAULTS,
            **values_of(alert.condition),
            "frequency": alert.frequency,
            "margin": typed(_plain(alert.rearm_margin)),
            "expires": last_day(alert.expires_at, person.time_zone),
            "urgent": "yes" * alert.urgent,
            "channels": " ".join(kept(alert.channels, person.destinations)),
            "note": alert.note,
        }
    )
