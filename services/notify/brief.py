"""What rang in a few words, for channels that show a title and a line or two. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.alerts import phrases
from services.notify.compose import alerts_rang, local_time
from services.store.triggers import Trigger
from services.store.users import User
from services.texts import gettext as _

SHOWN = 10
"""Triggers that a summary names, at most."""
MAX_NOTE = 200


@dataclass(frozen=True, slots=True)
class Brief:
    """Plain text; `link` leads to the trigger, or to the inbox for several."""

    title: str
    body: str
    link: str


def brief_of(triggers: Sequence[Trigger], user: User, address: str) -> Brief:
    """One or several triggers of one person; `address` is the site's, without a last slash."""
    first = triggers[0]
    if len(triggers) == 1:
        lines = [_line(first, user), first.note[:MAX_NOTE]]
        body = "\n".join(line for line in lines if line)
        return Brief(_subject(first), body, f"{address}/triggers/{first.id}")
    shown = [f"{_subject(trigger)} · {_line(trigger, user)}" for trigger in triggers[:SHOWN]]
    more = len(triggers) - SHOWN
    body = "\n".join([*shown, *([_("and %(count)s more", count=more)] if more > 0 else [])])
    title = alerts_rang(triggers)
    return Brief(title, body, f"{address}/triggers")


def _subject(trigger: Trigger) -> str:
    return phrases.subject(trigger.symbol, trigger.price, trigger.condition, trigger.currency)


def _line(trigger: Trigger, user: User) -> str:
    return local_time(trigger.occurred_at, user.time_zone)
