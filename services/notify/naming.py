"""What channels are called where people read of them. Pure."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from services.store.users import EMAIL, PUSH
from services.texts import N_
from services.texts import gettext as _

NAMES = {EMAIL: N_("E-mail"), PUSH: N_("Push to your devices")}
REMOVED = N_("A channel that you removed")


class Named(Protocol):
    """A destination, whole or as a page may know it."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


def channel_name(name: str, destinations: Iterable[Named]) -> str:
    """The name of a channel as its owner knows it; `destinations` are the owner's."""
    if name in NAMES:
        return _(NAMES[name])
    given = (one.name for one in destinations if one.id == name)
    return next(given, None) or _(REMOVED)


def kept(names: Sequence[str] | None, destinations: Iterable[Named]) -> tuple[str, ...]:
    """Those of the channels that are still there."""
    present = {*NAMES, *(one.id for one in destinations)}
    return tuple(name for name in names or () if name in present)
