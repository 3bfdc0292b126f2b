"""Push for a page: what a browser needs to turn it on, and the moment at which it is offered."""

from dataclasses import dataclass

from flask import session

from services.errors import PushOff
from web.context import services

_SOON = "offer_push"


@dataclass(frozen=True, slots=True)
class Setup:
    """What a page needs to turn push on: the key that browsers subscribe with, or why not."""

    key: str
    off: str


def setup() -> Setup:
    try:
        return Setup(services().push_key.public, "")
    except PushOff as error:
        return Setup("", str(error))


def offer_soon() -> None:
    """An alert was set: the next page asks whether this device shall ring, too."""
    session[_SOON] = True


def offered() -> str:
    """The key to subscribe with, if push is to be offered now; else ""."""
    return setup().key if session.get(_SOON) and session.pop(_SOON) else ""
