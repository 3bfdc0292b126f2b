"""What people type: read, cleaned, and given back with what is wrong with it."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask import request

from services.errors import InvalidInput
from services.figures import decimal_point, localized, plain_number, reads_two_ways
from services.market.models import normal_symbol
from services.market.money import price_text
from services.store.watchlists import MAX_NAME
from services.texts import gettext as _

MAX_LEVEL_TEXT = 30
_WHOLE = re.compile(r"[0-9]{1,6}")
_THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"-?[0-9]+,[0-9]+")


@dataclass
class Form:
    """The values of a form and, by field, what is wrong; "" stands for the form as a whole."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def posted(cls, *fields: str) -> "Form":
        return cls({name: request.form.get(name, "") for name in fields})

    def with_all(self, name: str) -> "Form":
        """With the values of all ticks of that name, and spaces between them."""
        return Form({**self.values, name: " ".join(request.form.getlist(name))}, self.errors)

    @classmethod
    def asked(cls, *fields: str) -> "Form":
        """The values that the address names."""
        return cls({name: request.args.get(name, "") for name in fields})

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def refuse(self, message: str, name: str = "") -> "Form":
        self.errors[name] = message
        return self

    def refuse_input(self, error: InvalidInput, name: str | None = None) -> "Form":
        """Note an error at its field, or at `name`."""
        return self.refuse(error.message, error.field if name is None else name)


def one_line(text: str) -> str:
    """`text` without control characters and needless space."""
    return " ".join(_printable(text).split())


def paragraph(text: str) -> str:
    """`text` trimmed, with its line ends but without other control characters."""
    return _printable(text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _printable(text: str) -> str:
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


def list_name(text: str) -> str:
    """A name for a list. Raises InvalidInput when it is empty or too long."""
    name = one_line(text)
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidInput("name", _("A list's name has 1 to %(most)s characters.", most=MAX_NAME))
    return name


def is_symbol(text: str) -> bool:
    """Whether `text` is spelt as symbols are."""
    try:
        return normal_symbol(text) == text
    except ValueError:
        return False


def number(text: str, field: str = "level") -> float:
    """The number that `text` writes as people of the reader's language do, without a currency;
    nothing is guessed. Raises InvalidInput that says how to write it."""
    typed = text.strip()
    if len(typed) > MAX_LEVEL_TEXT:
        raise InvalidInput(
            field, _("Write it with %(most)s characters at most.", most=MAX_LEVEL_TEXT)
        )
    plain = plain_number(typed)
    if plain is None:
        raise InvalidInput(field, _how_to_write(typed))
    found = float(plain)
    if abs(found) > 1e12:
        raise InvalidInput(field, _("This can be 1000000000000 at most."))
    return found


def said_back(text: str) -> str:
    """How a number was understood that means something else to people of other languages; ""
    where it means the same to all, or nothing."""
    typed = text.strip()
    plain = plain_number(typed) if reads_two_ways(typed) else None
    if plain is None:
        return ""
    shown = localized(price_text(float(plain)))
    return _("“%(typed)s” is understood as %(number)s.", typed=typed, number=shown)


def whole(text: str, field: str) -> int:
    """The count that `text` writes with plain digits. Raises InvalidInput."""
    typed = text.strip()
    if not _WHOLE.fullmatch(typed):
        raise InvalidInput(field, _("Write a whole number, such as 14 or 200."))
    return int(typed)


def _how_to_write(typed: str) -> str:
    if decimal_point() == "." and _THOUSANDS.fullmatch(typed):
        return _("Write %(number)s without the comma.", number=typed.replace(",", ""))
    if decimal_point() == "." and _DECIMAL_COMMA.fullmatch(typed):
        return _("Write %(number)s with a point, not a comma.", number=typed.replace(",", "."))
    plain = unicodedata.normalize("NFKC", typed)
    if plain != typed and plain_number(plain) is not None:
        return _("Write %(number)s with the plain digits 0 to 9.", number=plain)
    return _("Write a plain number, such as 200, 1000.50 or 0.00012.")


def local_path(text: str | None) -> str | None:
    """`text` if it is a path on this site, to go to after signing in; else None."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return None
    if any(unicodedata.category(c) == "Cc" for c in text):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else text
