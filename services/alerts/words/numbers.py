"""Numbers as people type them and as we write them: plain digits and a point. Pure but for the
language in which errors are told."""

import re
import unicodedata
from decimal import Decimal

from services.figures import decimal_point, reads_two_ways
from services.texts import N_
from services.texts import gettext as _

MAX_NUMBER = 30
CURRENCY = N_("Write only the number: it is taken in the currency of the quote.")

_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_WHOLE = re.compile(r"[0-9]+")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_CURRENCY_SIGN = re.compile(r"[+-]?[$€£¥₹₩][0-9.,]+|[0-9.,]+[$€£¥₹₩]")
_MINUS_SIGNS = str.maketrans("−–—﹣－", "-----")


def number(typed: str) -> float:
    """The number that `typed` writes. Raises ValueError that says how to write it, also for one
    that its writer may mean a thousand times as large."""
    if len(typed) > MAX_NUMBER:
        raise ValueError(_("Write the number with %(most)s characters at most.", most=MAX_NUMBER))
    if not _PLAIN.fullmatch(typed):
        raise ValueError(how_to_write(typed))
    if decimal_point() != "." and reads_two_ways(typed.lstrip("+")):
        raise ValueError(
            _(
                "This reads two ways. Write %(large)s or %(small)s0, with a point before decimals.",
                large=typed.replace(".", ""),
                small=typed,
            )
        )
    return float(typed) + 0.0


def whole_number(typed: str) -> int:
    """The same for a count, without sign or point."""
    number(typed)
    if not _WHOLE.fullmatch(typed):
        raise ValueError(_("Write a whole number here, such as 14."))
    return int(typed)


def how_to_write(typed: str) -> str:
    """What to type instead of something that is no plain number."""
    if _CURRENCY_SIGN.fullmatch(typed):
        return _(CURRENCY)
    if decimal_point() == "." and _THOUSANDS.fullmatch(typed):
        return _("Write %(number)s without the comma.", number=typed.replace(",", ""))
    if _DECIMAL_COMMA.fullmatch(typed):
        return _("Write %(number)s with a point, not a comma.", number=typed.replace(",", "."))
    hyphened = typed.translate(_MINUS_SIGNS)
    if hyphened != typed and _PLAIN.fullmatch(hyphened):
        return _("Write %(number)s with a plain minus sign.", number=hyphened)
    digits = unicodedata.normalize("NFKC", hyphened)
    if digits != typed and _PLAIN.fullmatch(digits):
        return _("Write %(number)s with the plain digits 0 to 9.", number=digits)
    return _("Write a plain number here, such as 200, 1000.50 or 0.00012.")


def plain(value: float) -> str:
    """`value` with plain digits, as short as reads back the same: 200, 0.00012."""
    text = format(Decimal(repr(value + 0.0)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
