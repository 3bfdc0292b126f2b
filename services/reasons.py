"""Reasons that are kept in English, by those who speak to nobody, and told in any language. Pure.

Whoever keeps one writes it as it stands here; what is written otherwise is told as it is.
"""

from contextlib import suppress
from datetime import date, datetime

from services.figures import day
from services.texts import DEFAULT, N_, gettext, language, retold, speaking

_GONE = N_(
    "No prices of %(symbol)s since %(day)s. It may have been renamed or delisted, or the source has"
    " dropped it. Resume the alert if it trades again."
)
_UNSEEN = (
    N_("no price"),
    N_("older"),
    N_("stale"),
    N_("from the future"),
    N_("currency changed"),
    N_("a jump that a second look did not confirm"),
)
_OF_SOURCES = (
    N_("No quote of %(symbol)s: the source has no price for it."),
    N_("No quote of %(symbol)s: no answer in time."),
    N_("%(name)s asked us to slow down; it is asked again after %(time)s UTC."),
    N_("%(name)s asked us to slow down (status %(status)s)."),
    N_("%(name)s asked us to slow down."),
    N_("%(name)s did not answer (%(error)s)."),
    N_("%(name)s answered with status %(status)s."),
    N_("%(name)s's answer is not JSON."),
    N_("%(name)s's answer is too long."),
    N_("%(name)s's answer has another form (%(where)s)."),
    N_("%(name)s refused the key: set NEWS_API_KEY anew."),
)


def gone_since(symbol: str, since: date) -> str:
    """What is kept of a symbol without prices since that day."""
    with speaking("en"):
        return gettext(_GONE, symbol=symbol, day=day(since))


def told(reason: str | None) -> str:
    """A reason that was kept, in the language that is spoken; "" for none."""
    if language() == DEFAULT:
        return reason or ""
    return retold(reason or "", (_GONE, *_UNSEEN, *_OF_SOURCES), day=_day)


def _day(written: str) -> str:
    """A day as `gone_since` writes it."""
    with suppress(ValueError):
        return day(datetime.strptime(written, "%d %B %Y").date())  # noqa: DTZ007 - a day
    return written
