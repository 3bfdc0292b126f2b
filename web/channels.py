"""Channels as pages show them: which there are, how each stands, what its last test said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.accounts.profiles import Place, Profile
from services.notify.naming import NAMES, channel_name
from services.notify.trials import Trial
from services.store.devices import Device
from services.store.users import EMAIL, PUSH
from web import words
from web.context import signed_in

_ON, _OFF = "armed", "rang"
"""The looks of states."""
_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


@dataclass(frozen=True, slots=True)
class Way:
    """A channel on the page of notifications. `hint` says what is the matter, if anything is."""

    name: str
    label: str
    detail: str
    state: words.State
    trial: Trial | None = None
    place: Place | None = None


def named(person: Profile) -> list[tuple[str, str]]:
    """The names of a person's channels, and what they are called."""
    places = ((place.id, place.name) for place in person.destinations)
    return [*NAMES.items(), *places]


def name_of(name: str) -> str:
    """What the reader calls a channel."""
    person = signed_in()
    return channel_name(name, person.destinations if person else ())


def listed(names: Sequence[str]) -> str:
    """Channels within a sentence: `E-mail, Push to your devices and Phone`; what people named
    turns the writing of nothing else around."""
    called = [f"{_ISOLATE}{name_of(name)}{_END}" for name in names]
    return " and ".join(part for part in (", ".join(called[:-1]), *called[-1:]) if part)


def ways(person: Profile, devices: Sequence[Device], trials: Mapping[str, Trial]) -> list[Way]:
    """All channels of a person, the usual ones first."""
    shown = {
        EMAIL: (person.email, _email(person)),
        PUSH: (_devices(devices), _push(devices)),
        **{place.id: (place.shown, _destination(place)) for place in person.destinations},
    }
    return [
        Way(name, label, *shown[name], trials.get(name), person.destination(name))
        for name, label in named(person)
    ]


def _email(person: Profile) -> words.State:
    if person.mail_refused_at:
        return words.State("Refused", "Your mailbox was refused; confirm the address anew.", _OFF)
    if person.mail_stopped_at:
        return words.State("Stopped", "You stopped all mail about your alerts.", _OFF)
    if not person.confirmed:
        return words.State("Not confirmed", "Mails wait until you confirm the address.", _OFF)
    return words.State("On", "", _ON)


def _push(devices: Sequence[Device]) -> words.State:
    if devices:
        return words.State("On", "", _ON)
    return words.State("No device", "Turn it on in the browser that is to ring.", _OFF)


def _devices(devices: Sequence[Device]) -> str:
    return f"{len(devices)} {'device' if len(devices) == 1 else 'devices'}" if devices else ""


def _destination(place: Place) -> words.State:
    if place.off_at is None:
        return words.State("On", "", _ON)
    return words.State("Switched off", place.off_because or "It said that it is gone.", _OFF)
