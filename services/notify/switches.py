"""Whether a destination is switched on. Pure."""

from datetime import datetime

from services.errors import DeliveryError
from services.figures import day
from services.store.users import Destination, User
from services.texts import gettext as _


def place(user: User, name: str) -> Destination:
    """Where a channel of that name sends. Raises DeliveryError where there is none any more."""
    found = user.destination(name)
    if found is None:
        raise DeliveryError(_("You have removed this channel."), permanent=True)
    return found


def off_because(user: User, name: str) -> str | None:
    """Why nothing is sent there, in plain words; None while it is switched on."""
    found = user.destination(name)
    if found is None or found.off_at is None:
        return None
    return _(
        "Not tried: %(name)s was switched off on %(day)s."
        " Switch it on again on the notifications page.",
        name=found.name,
        day=day(found.off_at),
    )


def switched_off(user: User, name: str, reason: str, now: datetime) -> dict[str, object]:
    """The changes of a profile one of whose destinations has said that it is gone."""
    return {
        "destinations": tuple(
            one.model_copy(update={"off_at": now, "off_because": reason}) if one.id == name else one
            for one in user.destinations
        )
    }
