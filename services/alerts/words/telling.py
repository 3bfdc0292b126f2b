"""What was understood, told to people in the language that is spoken. Pure but for that."""

from services.alerts import phrases
from services.alerts.words.dates import written
from services.alerts.words.draft import Draft
from services.alerts.words.sentence import sentence
from services.texts import DEFAULT, N_, language
from services.texts import gettext as _

_FREQUENCIES = {"once": N_("once"), "daily": N_("once a day"), "every": N_("every time")}


def told(draft: Draft, time_zone: str = "UTC") -> str:
    """`draft` as people say it; in English in the words that parse back to it."""
    if language() == DEFAULT:
        return sentence(draft, time_zone)
    what, often = (
        phrases.headline(draft.symbol, draft.condition, ""),
        _(_FREQUENCIES[draft.frequency]),
    )
    if draft.expires_at is None:
        return _("%(what)s, %(often)s", what=what, often=often)
    day = written(draft.expires_at, time_zone)
    return _("%(what)s, %(often)s, until %(day)s", what=what, often=often, day=day)
