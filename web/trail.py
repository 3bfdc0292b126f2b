"""Notes of what a request does to the safety of an account, and their words."""

from flask import request

from services.accounts.trail import Client
from services.store.events import Event, EventKind
from services.texts import N_, ngettext
from services.texts import gettext as _
from web.browsers import browser_name
from web.context import now, services

_WORDS: dict[EventKind, str] = {
    "signed_in": N_("Signed in"),
    "signed_out_everywhere": N_("Signed out everywhere"),
    "password_changed": N_("The password was changed"),
    "password_reset": N_("A new password was set by a link in a mail"),
    "email_confirmed": N_("The e-mail address was confirmed"),
    "token_made": N_("A token for programs was made"),
    "channel_added": N_("The channel “%(about)s” was added"),
    "channel_removed": N_("The channel “%(about)s” was removed"),
    "secret_renewed": N_("The channel “%(about)s” got another secret"),
    "device_added": N_("The device “%(about)s” was added"),
    "device_removed": N_("A device was removed"),
    "data_exported": N_("Your data was exported"),
}


def client() -> Client:
    """From where the present request comes."""
    agent = request.user_agent.string
    return Client.at(request.remote_addr or "", browser_name(agent) if agent else "")


def note(uid: str, kind: EventKind, about: str = "") -> None:
    """Note what the present request has done."""
    services().trail.note(uid, kind, client(), now(), about)


def words(event: Event) -> str:
    """What happened, in words for people."""
    if event.kind == "sign_in_failed":
        return ngettext("A sign-in failed", "%(num)s sign-ins failed", event.count)
    return _(_WORDS[event.kind], about=event.about)
