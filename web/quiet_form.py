"""The form of quiet hours: two times of the day, or off."""

from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from services.errors import InvalidInput
from services.notify.quiet import TOO_LONG, ClockTime, QuietHours
from services.texts import gettext as _
from web.forms import Form

FIELDS = ("quiet", "quiet_start", "quiet_end")
_CLOCK_TIME: TypeAdapter[str] = TypeAdapter(ClockTime)


def hours_of(form: Form) -> QuietHours | None:
    """The hours that a form says; None where it says off, or nothing. Raises InvalidInput."""
    if form["quiet"] == "off" or not (form["quiet_start"] or form["quiet_end"]):
        return None
    start, end = (_clock_time(form, name) for name in ("quiet_start", "quiet_end"))
    if start == end:
        raise InvalidInput("quiet_end", _("They end when they begin. Choose another time, or off."))
    try:
        return QuietHours(start=start, end=end)
    except ValidationError:  # both times are well written
        raise InvalidInput("quiet_end", _(TOO_LONG)) from None


def filled(form: Form, hours: QuietHours | None) -> Mapping[str, str]:
    """What the two fields show: what was typed and refused, or the hours as they are."""
    if form.errors.keys() & set(FIELDS):
        return form.values
    return {"quiet_start": hours.start, "quiet_end": hours.end} if hours else {}


def _clock_time(form: Form, name: str) -> str:
    try:
        return _CLOCK_TIME.validate_python(form[name].strip())
    except ValidationError:
        raise InvalidInput(name, _("Write a time of the day, such as 22:00 or 07:30.")) from None
