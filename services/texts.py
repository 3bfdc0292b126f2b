"""The texts of Bellwether in the language of whoever reads them.

English is what the code says; the other languages are catalogs under translations/. The web speaks
a request's language, a worker that of the person it writes to, everything else English.
"""

import gettext as catalogs
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "de": "Deutsch"}
DEFAULT = "en"
_FOLDER = Path(__file__).parents[1] / "translations"
_spoken: ContextVar[str] = ContextVar("language", default=DEFAULT)


def language() -> str:
    """The code of the language that is spoken now, one of LANGUAGES."""
    return _spoken.get()


def speak(code: str | None) -> None:
    """Speak a language from now on; the default for one that is not known."""
    _spoken.set(code if code in LANGUAGES else DEFAULT)


@contextmanager
def speaking(code: str | None) -> Iterator[None]:
    """Speak a language for a while; the default for one that is not known."""
    before = _spoken.get()
    speak(code)
    try:
        yield
    finally:
        _spoken.set(before)


def gettext(message: str, **values: object) -> str:
    """The message in the language that is spoken, with its %(name)s placeholders filled."""
    text = _catalog(_spoken.get()).gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, num: int, **values: object) -> str:
    """The form of the message that fits so many; %(num)s is the count."""
    return form_for(singular, plural, num) % {"num": num, **values}


def form_for(singular: str, plural: str, num: int) -> str:
    """The same with its placeholders left, for templates that fill them themselves."""
    return _catalog(_spoken.get()).ngettext(singular, plural, num)


def pgettext(context: str, message: str, **values: object) -> str:
    """The message where it means what `context` says."""
    text = _catalog(_spoken.get()).pgettext(context, message)
    return text % values if values else text


def retold(stored: str, messages: Iterable[str], **said: Callable[[str], str]) -> str:
    """A text that was kept in English, in the language that is spoken: one without placeholders,
    or made of one of the `messages`; `said` puts the values of places into the language, too.
    What is neither stays as it is."""
    for message in messages:
        parts = re.split(r"%\((\w+)\)s", message)
        pattern = "".join(
            f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)
        )
        if found := re.fullmatch(pattern, stored, re.DOTALL):
            values = {name: said.get(name, str)(text) for name, text in found.groupdict().items()}
            return gettext(message, **values)
    return gettext(stored) if stored else ""


def N_(message: str) -> str:  # noqa: N802 - the name that extractors know
    """The message itself, to be put into the reader's language where it is shown."""
    return message


@cache
def _catalog(code: str) -> catalogs.NullTranslations:
    """Read once; a language without a catalog speaks as the code does."""
    return catalogs.translation("messages", _FOLDER, [code], fallback=code == DEFAULT)
