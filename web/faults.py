"""What Pydantic finds wrong, at the field that a person or program wrote, in plain words. Pure."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.alerts.conditions import KINDS
from services.texts import N_
from services.texts import gettext as _

_BLAMED = {
    "moves_by": "window",
    "falls_from_peak": "percent",
    "new_high": "span",
    "new_low": "span",
    "averages_cross": "fast",
}
"""By kind, the field that is at fault where a condition as a whole does not hold together."""
_BOUNDS = {
    "greater_than": ("gt", N_("This must be more than %(limit)s.")),
    "greater_than_equal": ("ge", N_("This must be %(limit)s or more.")),
    "less_than_equal": ("le", N_("This must be %(limit)s at most.")),
}
_FORMS = ("NewAlert", "NewAlertInWords")
_TAG_FAULTS = ("union_tag_invalid", "union_tag_not_found")


def faults(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)


def place(fault: ErrorDetails) -> str:
    """The field, such as `condition.level`; "" for the whole.

    The kind by which Pydantic chose a condition's model is no part of it.
    """
    parts = [str(part) for part in fault["loc"] if part not in KINDS and part not in _FORMS]
    if fault["type"] in _TAG_FAULTS:
        parts.append("kind")
    if fault["type"] == "value_error" and fault["loc"] and fault["loc"][-1] in _BLAMED:
        parts.append(_BLAMED[str(fault["loc"][-1])])
    return ".".join(parts)


def message(fault: ErrorDetails) -> str:
    """What is wrong, without the names of Python's classes."""
    if fault["type"] in _TAG_FAULTS:
        return _("The kind must be one of %(kinds)s.", kinds=", ".join(sorted(KINDS)))
    bound = _BOUNDS.get(fault["type"])
    if bound:
        name, words = bound
        return _(words, limit=f"{fault['ctx'][name]:g}")
    said = fault["msg"].removeprefix("Value error, ")
    return _(said)
