"""Whether Redis, the store and the mail server answer. No message has a word of a password."""

import time
from collections.abc import Collection
from urllib.parse import urlsplit

from redis import AuthenticationError, Redis, RedisError

from config import Settings, SettingsError
from services.doctor.finding import Check, Finding, bad, good
from services.doctor.together import together
from services.errors import DeliveryError, StoreError
from services.migrations.schema import ABOUT, schema_finding
from services.notify.channels.email.session import Server
from services.redis_client import DEFAULT_ADDRESS
from services.store import open_store

REDIS, DOCUMENTS, MAIL_SERVER = "Redis", ABOUT, "Mail server"
REDIS_PATIENCE = 3.0
"""Seconds in which a Redis that is just being started may come."""
_REDIS_TIMEOUT = 2.0
_MAIL_TIMEOUT = 5.0
_TOGETHER = 15.0
_PAUSE = 0.25
_NO_CREDENTIALS = "did not take the credentials"


def reach(settings: Settings, without: Collection[str] = ()) -> list[Finding]:
    """Findings on Redis, the store with its schema, and the mail server, but for those of
    `without`."""
    checks: dict[str, Check] = {
        REDIS: lambda: redis_answers(settings.redis_url or DEFAULT_ADDRESS),
        DOCUMENTS: lambda: store_answers(settings),
        MAIL_SERVER: lambda: mail_server_answers(settings.smtp_url),
    }
    return together({name: checks[name] for name in checks if name not in without}, _TOGETHER)


def redis_answers(url: str, patience: float = REDIS_PATIENCE) -> Finding:
    """`patience` is how many seconds it is asked again."""
    place, ends = place_of(url), time.monotonic() + patience
    remedy = "See that it is up and that REDIS_URL is its address, with its password."
    while True:
        try:
            with Redis.from_url(
                url, socket_timeout=_REDIS_TIMEOUT, socket_connect_timeout=_REDIS_TIMEOUT
            ) as redis:
                redis.ping()
            return good(REDIS, f"at {place} answers.")
        except ValueError:
            return bad(REDIS, "REDIS_URL is no address of a Redis.", remedy)
        except AuthenticationError:
            return bad(REDIS, f"at {place} refuses the password.", remedy)
        except RedisError as error:
            if time.monotonic() > ends:
                return bad(REDIS, f"at {place} does not answer ({_reason(error)}).", remedy)
        time.sleep(_PAUSE)


def store_answers(settings: Settings) -> Finding:
    """Whether documents can be read, and whether their schema is the one of this version."""
    try:
        store = open_store(settings)
        try:
            store.ping()
            return schema_finding(store)
        finally:
            store.close()
    except (StoreError, SettingsError) as error:
        if _NO_CREDENTIALS in str(error) and not settings.firebase_credentials_base64:
            return _without_credentials()
        says, _, remedy = str(error).partition(". ")
        return bad(DOCUMENTS, f"{says.rstrip('.')}.", remedy or "See that the store is up.")


def _without_credentials() -> Finding:
    return bad(
        "FIREBASE_CREDENTIALS_BASE64",
        "is not set, and this machine has no credentials of its own.",
        "Set it to a service account's key (base64 -w0 key.json), or run where Google Cloud"
        " gives an account with the role Cloud Datastore User.",
    )


def mail_server_answers(url: str) -> Finding:
    about, place = MAIL_SERVER, place_of(url)
    remedy = "See that SMTP_URL is right, and that this machine may connect to that port."
    try:
        Server(url, _MAIL_TIMEOUT).open().close()
    except DeliveryError as error:
        return bad(about, f"at {place}: {error}", remedy)
    except ValueError:  # a port that is none
        return bad(about, "SMTP_URL is no address of a mail server.", remedy)
    return good(about, f"at {place} answers.")


def place_of(url: str) -> str:
    """Host and port of an address, without what is secret in it."""
    try:
        parts = urlsplit(url)
        place = f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        return "an address that is none"
    return place or parts.path or "no address"


def _reason(error: RedisError) -> str:
    return type(error).__name__.removesuffix("Error").lower() + " failed"
