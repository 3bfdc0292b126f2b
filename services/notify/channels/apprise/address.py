"""Which Apprise addresses may be entered. Nothing of Apprise is loaded here."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from services.errors import InvalidInput
from services.figures import localized
from services.store.users import MAX_DESTINATION_URL
from services.texts import gettext as _


@dataclass(frozen=True, slots=True)
class Service:
    """Where an Apprise address leads. `is_place`: the address names one place at the service, so
    that a 404 says that this is no more."""

    name: str
    example: str
    is_place: bool = False


_SLACK = Service("Slack", "slack://tokenA/tokenB/tokenC", is_place=True)
_DISCORD = Service("Discord", "discord://webhook_id/webhook_token", is_place=True)
_TELEGRAM = Service("Telegram", "tgram://bot_token/chat_id")
_NTFY = Service("ntfy", "ntfy://topic or ntfys://ntfy.example.com/topic")
_MATRIX = Service("Matrix", "matrixs://user:password@matrix.example.com/!room:example.com")
_GOTIFY = Service("Gotify", "gotifys://gotify.example.com/token")
_MATTERMOST = Service("Mattermost", "mmosts://mattermost.example.com/token")
_ROCKET = Service("Rocket.Chat", "rockets://webhook@rocket.example.com/#channel")
_SIGNAL = Service("Signal", "signals://signal.example.com/from_phone/to_phone")
_TEAMS = Service("Microsoft Teams", "workflows://host:443/workflow/signature", is_place=True)
_VONAGE = Service("Vonage", "vonage://key:secret@from_phone/to_phone")
_SIMPLEPUSH = Service("Simplepush", "spush://key")

SERVICES = {
    "slack": _SLACK,
    "discord": _DISCORD,
    "tgram": _TELEGRAM,
    "ntfy": _NTFY,
    "ntfys": _NTFY,
    "matrix": _MATRIX,
    "matrixs": _MATRIX,
    "gotify": _GOTIFY,
    "gotifys": _GOTIFY,
    "mmost": _MATTERMOST,
    "mmosts": _MATTERMOST,
    "rocket": _ROCKET,
    "rockets": _ROCKET,
    "signal": _SIGNAL,
    "signals": _SIGNAL,
    "workflows": _TEAMS,
    "gchat": Service("Google Chat", "gchat://workspace/key/token", is_place=True),
    "zulip": Service("Zulip", "zulip://bot@organization/token/channel"),
    "pover": Service("Pushover", "pover://user_key@token"),
    "pbul": Service("Pushbullet", "pbul://access_token"),
    "prowl": Service("Prowl", "prowl://api_key"),
    "join": Service("Join", "join://api_key/device"),
    "spush": _SIMPLEPUSH,
    "ifttt": Service("IFTTT", "ifttt://webhook_id/event"),
    "pagerduty": Service("PagerDuty", "pagerduty://integration_key@api_key"),
    "opsgenie": Service("Opsgenie", "opsgenie://api_key"),
    "twilio": Service("Twilio", "twilio://account_sid:auth_token@from_phone/to_phone"),
    "vonage": _VONAGE,
    "nexmo": _VONAGE,
    "sinch": Service("Sinch", "sinch://plan_id:token@from_phone/to_phone"),
    "msgbird": Service("MessageBird", "msgbird://api_key/from/to_phone"),
    "clicksend": Service("ClickSend", "clicksend://user:api_key@to_phone"),
}
"""Those whose plugins send by requests, and so inside the guard; by the scheme of an address."""
OPTIONS = frozenset(
    {
        *("channel", "from", "mode", "priority", "region", "severity", "silent"),
        *("sound", "team", "thread", "to", "topic", "version"),
    }
)
"""What may stand behind the `?`: nothing that names a file, a template or another address, or
that switches off the check of certificates."""
_ODD = re.compile(r"[\s\x00-\x1f\x7f\\<>]")
_SCHEME = re.compile(r"([a-z][a-z0-9]{1,20})://(.+)", re.IGNORECASE | re.DOTALL)


def service_of(url: str) -> Service | None:
    """Which service an address that was accepted leads to; None where it is allowed no more."""
    return SERVICES.get(_scheme(url))


def checked(text: str) -> str:
    """The address, of an allowed service and with harmless options. Raises InvalidInput.

    Whether it is whole, only Apprise knows: a test message tells.
    """
    text = text.strip()
    if len(text) > MAX_DESTINATION_URL:
        raise InvalidInput(
            "url",
            _(
                "Use an address of at most %(most)s characters.",
                most=localized(f"{MAX_DESTINATION_URL:,}"),
            ),
        )
    if _ODD.search(text) or not _SCHEME.fullmatch(text):
        raise InvalidInput(
            "url", _("This is not an Apprise address. One is slack://tokenA/tokenB/…")
        )
    if service_of(text) is None:
        raise InvalidInput("url", _unknown(_scheme(text)))
    for option in _options(text):
        if option not in OPTIONS:
            raise InvalidInput(
                "url",
                _(
                    "The option “%(option)s” cannot be used here, only %(known)s.",
                    option=option[:20],
                    known=", ".join(sorted(OPTIONS)),
                ),
            )
    scheme, _sep, rest = text.partition("://")
    return f"{scheme.lower()}://{rest}"


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _options(text: str) -> list[str]:
    """The names of the options; of any question mark, for Apprise reads on behind a fragment."""
    query = text.partition("?")[2]
    pairs = re.split(r"[?&;]", query)
    return [unquote(pair.partition("=")[0]).strip().lower() for pair in pairs if pair]


def _unknown(scheme: str) -> str:
    if scheme in ("http", "https"):
        return _("This is a web address. Add it as a webhook, or write it as an Apprise address.")
    names = ", ".join(sorted({service.name for service in SERVICES.values()}, key=str.lower))
    return _(
        "Bellwether does not send by %(scheme)s://. It sends to %(names)s.",
        scheme=scheme,
        names=names,
    )
