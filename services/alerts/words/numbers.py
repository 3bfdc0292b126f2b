"""Numbers as people type them and as we write them: plain digits and a point. Pure."""

import re
import unicodedata
from decimal import Decimal

MAX_NUMBER = 30
CURRENCY = "Write only the number: it is taken in the currency of the quote."

_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_WHOLE = re.compile(r"[0-9]+")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_CURRENCY_SIGN = re.compile(r"[+-]?[$€£¥₹₩][0-9.,]+|[0-9.,]+[$€£¥₹₩]")
_MINUS_SIGNS = str.maketrans("−–—﹣－", "-----")


def number(typed: str) -> float:
    """The number that `typed` writes. Raises ValueError that says how to write it."""
    if len(typed) > MAX_NUMBER:
        raise ValueError(f"Write the number with {MAX_NUMBER} characters at most.")
    if not _PLAIN.fullmatch(typed):
        raise ValueError(how_to_write(typed))
    return float(typed) + 0.0


def whole_number(typed: str) -> int:
    """The same for a count, without sign or point."""
    number(typed)
    if not _WHOLE.fullmatch(typed):
        raise ValueError("Write a whole number here, such as 14.")
    return int(typed)


def how_to_write(typed: str) -> str:
    """What to type instead of something that is no plain number."""
    if _CURRENCY_SIGN.fullmatch(typed):
        return CURRENCY
    if _THOUSANDS.fullmatch(typed):
        return f"Write {typed.replace(',', '')} without the comma."
    if _DECIMAL_COMMA.fullmatch(typed):
        return f"Write {typed.replace(',', '.')} with a point, not a comma."
    hyphened = typed.translate(_MINUS_SIGNS)
    if hyphened != typed and _PLAIN.fullmatch(hyphened):
        return f"Write {hyphened} with a plain minus sign."
    digits = unicodedata.normalize("NFKC", hyphened)
    if digits != typed and _PLAIN.fullmatch(digits):
        return f"Write {digits} with the plain digits 0 to 9."
    return "Write a plain number here, such as 200, 1000.50 or 0.00012."


def plain(value: float) -> str:
    """`value` with plain digits, as short as reads back the same: 200, 0.00012."""
    text = format(Decimal(repr(value + 0.0)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
