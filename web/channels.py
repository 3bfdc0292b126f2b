"""Channels as pages show them: which there are, how each stands, what its last test said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.accounts.profiles import Place, Profile
from services.notify.naming import NAMES, channel_name
from services.notify.trials import Trial
from services.store.devices import Device
from services.store.users import EMAIL, PUSH
from services.texts import N_, ngettext, pgettext
from services.texts import gettext as _
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
    return [*((name, _(label)) for name, label in NAMES.items()), *places]


def name_of(name: str) -> str:
    """What the reader calls a channel."""
    person = signed_in()
    return channel_name(name, person.destinations if person else ())


def listed(names: Sequence[str]) -> str:
    """Channels within a sentence: `E-mail, Push to your devices and Phone`; what people named
    turns the writing of nothing else around."""
    called = [f"{_ISOLATE}{name_of(name)}{_END}" for name in names]
    return enumerated(called)


def enumerated(names: Sequence[str]) -> str:
    """`A, B and C`."""
    if len(names) < 2:
        return "".join(names)
    return _("%(some)s and %(last)s", some=", ".join(names[:-1]), last=names[-1])


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
        return words.State(
            _("Refused"), _("Your mailbox was refused; confirm the address anew."), _OFF
        )
    if person.mail_stopped_at:
        return words.State(_("Stopped"), _("You stopped all mail about your alerts."), _OFF)
    if not person.confirmed:
        return words.State(_("Not confirmed"), _("Mails wait until you confirm the address."), _OFF)
    return words.State(pgettext("switch", "On"), "", _ON)


def _push(devices: Sequence[Device]) -> words.State:
    if devices:
        return words.State(pgettext("switch", "On"), "", _ON)
    return words.State(_("No device"), _("Turn it on in the browser that is to ring."), _OFF)


def _devices(devices: Sequence[Device]) -> str:
    return ngettext("%(num)s device", "%(num)s devices", len(devices)) if devices else ""


def _destination(place: Place) -> words.State:
    if place.off_at is None:
        return words.State(pgettext("switch", "On"), "", _ON)
    return words.State(
        _("Switched off"), _(place.off_because or N_("It said that it is gone.")), _OFF
    )
