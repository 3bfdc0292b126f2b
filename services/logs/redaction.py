"""What no log line and no error report tells: secrets, addresses, and who somebody is.

Mail addresses, and addresses of webhooks and chats, whose paths are secrets, are left out; so is
what looks like a key. Ids of people and of what is theirs stand as short names: the same id gives
the same name, which nobody can turn back who does not have the key.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from structlog.typing import EventDict, WrappedLogger

from config import Settings, SettingsError

LEFT_OUT = "…"
LONGEST = 20_000
_SHORTEST_SECRET = 6
_SHORT = 100
"""Texts up to this length come again and again: loggers, routes, events."""
_OURS = frozenset({"time", "level"})
_URL = re.compile(r"\b([a-z][a-z0-9+.-]{0,30})://[^\s\"'<>]*", re.IGNORECASE)
_HERE = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(:\d{1,5})?[/.]?\Z")
_PATH = re.compile(r"\b(url: ?)[^\s\"']+", re.IGNORECASE)
_MAIL = re.compile(r"[^\s@<>\"',;:()\[\]=]{1,64}@[^\s@<>\"',;:()\[\]]{1,255}")
_WHOLE_LINE = re.compile(
    r"\b((?:proxy-)?authorization|(?:set-)?cookie)\b([\"']?\s*[:=]\s*)[^\n]*", re.IGNORECASE
)
_NAMED = (
    r"[a-z_-]{0,30}(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|private[_-]?key|signature"
    r"|credentials?|csrf|dsn)[a-z_-]{0,30}"
)
_NAME = re.compile(rf"{_NAMED}|authorization|cookie", re.IGNORECASE)
_PAIR = re.compile(
    rf"\b({_NAMED}|session)([\"']?\s*[:=]\s*)(?:\"[^\"\n]*\"?|'[^'\n]*'?|[^\s\"',;&]+)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
_SIGNED = re.compile(r"(?<![\w.-])[\w-]{4,}\.[\w-]{4,12}\.[\w-]{20,}(?![\w.-])", re.ASCII)
_ID = re.compile(r"(?<![0-9A-Za-z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Za-z])")
_RUN = re.compile(r"(?<![\w-])[\w-]{20,}", re.ASCII)


def redaction_of(settings: Settings) -> "Redaction":
    """Without a key that all processes have, this one gives short names of its own."""
    try:
        keys = settings.signing_keys()
    except SettingsError:  # told where the key is needed
        keys = [secrets.token_hex()]
    return Redaction(keys[-1], [*keys, *secrets_of(settings)])


def secrets_of(settings: Settings) -> list[str]:
    """The secrets of this site beside its keys; they are left out wherever they stand."""
    traces = settings.otel_exporter_otlp_endpoint
    addresses = (settings.redis_url, settings.smtp_url, settings.sentry_dsn, traces)
    passwords = [urlsplit(address).password for address in addresses]
    return [
        secret
        for secret in (
            settings.metrics_token.get_secret_value(),
            settings.vapid_private_key.get_secret_value(),
            settings.firebase_credentials_base64,
            settings.news_api_key,
            settings.operator_url.get_secret_value(),
            *passwords,
        )
        if secret
    ]


class Redaction:
    """A processor of structlog. `key` makes the short names; `known` secrets go whatever they
    look like."""

    def __init__(self, key: str, known: Iterable[str] = ()) -> None:
        self._key = key.encode()
        self._of_short = lru_cache(1_000)(self.text)
        known = sorted({each for each in known if len(each) >= _SHORTEST_SECRET}, key=len)
        self._known = re.compile("|".join(map(re.escape, reversed(known)))) if known else None

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {
            name: value if name in _OURS else self.value(name, value)
            for name, value in event.items()
        }

    def value(self, name: str, value: object) -> object:
        """What a field of that name may say."""
        if name == "user" and value:
            return self.short_name(str(value))
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if _is_secret(name):
            return LEFT_OUT
        text = value if isinstance(value, str) else self._plain(value)
        return self._of_short(text) if len(text) <= _SHORT else self.text(text)

    def text(self, text: str) -> str:
        """`text`, of which only the first 20,000 characters count, without what is left out."""
        text = text[:LONGEST]
        if self._known:
            text = self._known.sub(LEFT_OUT, text)
        if "://" in text:
            text = _URL.sub(_address, text)
        if "@" in text:
            text = _MAIL.sub(LEFT_OUT, text)
        if ":" in text or "=" in text:
            text = _PATH.sub(rf"\1{LEFT_OUT}", text)
            text = _WHOLE_LINE.sub(rf"\1\2{LEFT_OUT}", text)
            text = _PAIR.sub(rf"\1\2{LEFT_OUT}", text)
        if len(text) > 12:
            text = _SCHEME.sub(rf"\1 {LEFT_OUT}", text)
            text = _ID.sub(lambda found: self.short_name(found[0]), text)
            text = _SIGNED.sub(LEFT_OUT, text)
            text = _RUN.sub(_unless_drawn, text)
        return text

    def short_name(self, id_: str) -> str:
        """What stands for an id."""
        digest = hmac.new(self._key, f"log:{id_}".encode(), hashlib.sha256)
        return f"#{digest.hexdigest()[:10]}"

    def _plain(self, value: object) -> str:
        if isinstance(value, Mapping):
            return str({name: self.value(str(name), each) for name, each in value.items()})
        return str(value)


@lru_cache(1_000)
def _is_secret(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _address(found: re.Match[str]) -> str:
    return found[0] if _HERE.match(found[0]) else f"{found[1]}://{LEFT_OUT}"


def _unless_drawn(found: re.Match[str]) -> str:
    """Keys are drawn of all letters and digits; names that people give are not."""
    run = found[0]
    is_drawn = (
        any(letter.isdigit() for letter in run)
        and any(letter.isupper() for letter in run)
        and any(letter.islower() for letter in run)
    )
    return LEFT_OUT if is_drawn else run
