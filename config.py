"""Every setting of Bellwether: typed, checked at start, documented here once.

Read from the environment, then from `.env`. `.env.example` lists the same names.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from limits import parse_many
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent
SHORTEST_TOKEN = 16
NEW_KEY = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
"""Prints a good key."""
_BETWEEN_KEYS = ", \t\r\n"
_ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class SettingsError(Exception):
    """A setting cannot be used; the message names every faulty variable and its remedy."""


class InvalidSettings(SettingsError):
    """Some values cannot be; `rest` are the settings with the defaults in their place."""

    def __init__(self, message: str, rest: "Settings") -> None:
        super().__init__(message)
        self.rest = rest


class Settings(BaseSettings):
    """The settings of one process; the names in the environment are these in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    port: int = Field(5000, ge=1, le=65535)
    """The web port; on one machine it is bound to loopback."""
    public_url: str = ""
    """How people reach the site, for links in mails; default http://localhost:PORT."""
    proxy_hops: int = Field(0, ge=0, le=5)
    """How many proxies stand in front and tell the client's address (Heroku: 1); 0 trusts none."""
    cors_origins: str = ""
    """Origins whose pages may use the API by tokens, such as https://a.example, with commas
    between; * is any. Empty: none."""
    rate_limit: str = "100 per minute"
    """How many requests one person, or one address of people who are not signed in, may make."""
    bellwether_env: Literal["", "production", "development"] = ""
    """production: what is missing or unsafe stops the start. Empty: that, but for `make run`."""
    flask_debug: bool = False
    """Flask's debug mode, which shows strangers the code; production does not start with it."""
    bellwether_data: Path = Path("var")
    """Folder of everything that one machine keeps: database, Redis file, mails, secrets."""
    quotes: Literal["auto", "yahoo", "replay"] = "auto"
    """Where prices come from. `auto` is settled by `make run`; a server takes it for `yahoo`."""
    replay_start: str = Field("2000-06-01", pattern=r"^\d{4}-\d\d-\d\d$")
    """First trading day of the replayed market."""
    replay_day_seconds: float = Field(60, gt=0, le=86_400)
    """Seconds that one replayed trading day lasts."""
    check_interval_seconds: int = Field(300, ge=1, le=86_400)
    """Seconds between two checks of the armed alerts."""
    check_shards: int = Field(1, ge=1, le=64)
    """Jobs that share one check, so that several workers can work on it at once."""
    max_alerts: int = Field(1_000, ge=1, le=100_000)
    """How many alerts one person can have."""
    smtp_url: str = ""
    """smtp://user:password@host:port (STARTTLS where offered) or smtps://; empty: local mailbox."""
    mail_from: str = "Bellwether <bellwether@localhost>"
    """Sender of all mails."""
    mail_reply_to: str = ""
    """Where answers to mails go; empty: to the sender."""
    mail_connections: int = Field(4, ge=1, le=100)
    """How many mails are on their way to the SMTP server at once, over all workers."""
    mails_per_minute: int = Field(0, ge=0)
    """How many mails all workers send in a minute, as the provider allows; 0: no limit."""
    vapid_private_key: SecretStr = SecretStr("")
    """Signs Web Push (`flask push-key` makes one); empty: made once and kept in BELLWETHER_DATA."""
    private_hosts: str = ""
    """Hosts of your own network that people's webhooks and chats may reach, with commas between."""
    redis_url: str = ""
    """redis:// or rediss:// address; empty: `make run` starts a server of its own."""
    firebase_project_id: str = ""
    """Google Cloud project whose Firestore holds the documents; empty: SQLite."""
    firebase_credentials_base64: str = ""
    """Service-account JSON in base64; empty: the platform's default credentials."""
    firebase_database: str = Field(
        "(default)", pattern=r"^(\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$"
    )
    """Which of the project's Firestore databases; only the default one is free of charge."""
    firestore_emulator_host: str = ""
    """host:port of Google's emulator; documents go there (project `bellwether` if none is set)."""
    backup_to: str = ""
    """Folder of the backups: a path, gs://BUCKET/PATH or s3://BUCKET/PATH; empty: `backups` in
    BELLWETHER_DATA."""
    backup_nightly: bool = True
    """Whether a backup is made every night; on Firestore each reads, and bills, all documents."""
    triggers_kept_days: int = Field(730, ge=0, le=36_500)
    """For so long what rang, and alerts that have expired, are kept; 0: for ever."""
    devices_kept_days: int = Field(365, ge=0, le=36_500)
    """Devices that show no sign of life for so long are forgotten; 0: never."""
    unconfirmed_kept_days: int = Field(30, ge=0, le=36_500)
    """Accounts never confirmed nor used are deleted after so long; 0: never."""
    secret_key: str = ""
    """Signs links and forms; empty: made once and kept in BELLWETHER_DATA (one machine only).
    Several, with commas or spaces between: the first signs, the others are still believed."""
    sentry_dsn: str = ""
    """Where errors are reported; empty: nowhere."""
    otel_exporter_otlp_endpoint: str = ""
    """Where traces are told, by OTLP over HTTP, such as http://collector:4318; empty: nowhere."""
    news_api_key: str = ""
    """Key of newsapi.org; empty: no news from there."""
    metrics_token: SecretStr = SecretStr("")
    """Who sends it as a bearer token may read /metrics; empty: only this machine may."""
    metrics_port: int = Field(0, ge=0, le=65535)
    """Where a worker serves /metrics, on machines without a web process; 0: nowhere."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "text"] = "auto"
    """One JSON object or one line of text for each event; `auto`: text on a terminal."""
    operator_email: str = ""
    """Who is told by mail when alerts are not checked, and when they are again."""
    operator_url: SecretStr = SecretStr("")
    """The same by a chat, pager or webhook: an Apprise address; both may be set."""
    bellwether_local: bool = False
    """Set by `make run`: pages under /local are served, to loopback only."""

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _of_origins(cls, value: str) -> str:
        for origin in _listed(value):
            if not re.fullmatch(r"\*|https?://[^/\s*?#@]+", origin):
                raise ValueError(f"{origin} is no origin; write it as https://app.example.com")
        return value

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _by_http(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s?#]+", value):
            raise ValueError("write it as http://collector:4318")
        return value

    @field_validator("rate_limit")
    @classmethod
    def _a_limit(cls, value: str) -> str:
        try:
            parse_many(value)
        except ValueError:
            raise ValueError("write it as 100 per minute") from None
        return value

    @field_validator("metrics_token")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(f"make it {SHORTEST_TOKEN} characters or longer")
        return value

    @field_validator("vapid_private_key")
    @classmethod
    def _a_number_of_p256(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip().rstrip("=")
        if text and not _is_private_key(text):
            raise ValueError("this is no key of Web Push; make one: flask --app app push-key")
        return SecretStr(text)

    @field_validator("secret_key")
    @classmethod
    def _without_empty_keys(cls, value: str) -> str:
        return value.strip(_BETWEEN_KEYS)

    @field_validator("firebase_project_id")
    @classmethod
    def _project(cls, value: str) -> str:
        return value.strip()

    @property
    def origins(self) -> list[str]:
        """Those of `cors_origins`."""
        return _listed(self.cors_origins)

    @property
    def uses_firestore(self) -> bool:
        return bool(self.firebase_project_id or self.firestore_emulator_host)

    @property
    def in_production(self) -> bool:
        """Whether what is missing or unsafe stops the start."""
        if self.bellwether_env:
            return self.bellwether_env == "production"
        return not self.bellwether_local

    @property
    def address(self) -> str:
        """The public address without a slash at its end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def data(self) -> Path:
        return self.bellwether_data.resolve()

    def signing_key(self) -> str:
        """The key that signs; raises as `signing_keys`."""
        return self.signing_keys()[-1]

    def signing_keys(self) -> list[str]:
        """What is believed, the one that signs last, as itsdangerous wants them: those of
        `secret_key`, or those kept in the data folder, where one is made at first use.

        Raises SettingsError where it cannot be shared: on a hosted store every process
        must be given the same key.
        """
        given = self.secret_key
        if not given and self.firebase_project_id and not self.bellwether_local:
            raise SettingsError(
                "SECRET_KEY is not set. Set it to a long random text, the same for every process:"
                f" {NEW_KEY}"
            )
        if not given:
            file = self.data / "secret_key"
            given = kept_secret(file, lambda: secrets.token_urlsafe(48))
        return keys_of(given)[::-1]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def keys_of(text: str) -> list[str]:
    """The keys in a text that has commas or spaces between them, the one that signs first."""
    return re.split(rf"[{_BETWEEN_KEYS}]+", text.strip(_BETWEEN_KEYS))


def _is_private_key(text: str) -> bool:
    """Whether it is a private key of P-256 in base64url: 32 bytes, a number below the order."""
    try:
        raw = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(raw) == 32 and 0 < int.from_bytes(raw) < _ORDER_OF_P256


def kept_secret(file: Path, make: Callable[[], str]) -> str:
    """The secret in `file`, which only this user may read; `make` gives it at first use.

    Raises SettingsError where it can be neither read nor kept.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            draft.touch(mode=0o600)
            draft.write_text(make())
            # Fails if another process was first: then its key counts.
            with suppress(FileExistsError):
                file.hardlink_to(draft)
        return file.read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"The signing key cannot be kept in {file.parent} ({error.strerror}). Free some space,"
            " set BELLWETHER_DATA to a folder that this user may write, or set"
            f" {file.name.upper()}."
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def load_settings() -> Settings:
    """The settings of this process. Raises InvalidSettings that lists every fault at once."""
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
            for fault in error.errors()
        ]
        message = "These settings cannot be used:\n  " + "\n  ".join(faults)
        raise InvalidSettings(message, _without(error)) from None


def _without(error: ValidationError) -> Settings:
    """The settings with the defaults of those that cannot be."""
    names = {str(fault["loc"][0]) for fault in error.errors()}
    defaults = {name: Settings.model_fields[name].get_default() for name in names}
    return Settings(**defaults)
