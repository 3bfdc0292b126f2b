"""What production demands of the settings alone. Pure: nothing is reached."""

from collections.abc import Callable
from urllib.parse import urlsplit

from config import NEW_KEY, Settings, keys_of
from services.doctor.finding import Finding, bad, doubtful, good
from services.errors import DeliveryError, InvalidInput

KEY_LENGTH = 32
KEY_VARIETY = 8
"""Different characters in a key; hardly one in a million keys of 32 random hex digits has fewer."""
_PLACEHOLDERS = (
    "changeme", "change-me", "change_me", "change-this", "change_this", "secret-key", "secret_key",
    "your-secret", "your_secret", "password", "placeholder", "example", "default",
)  # fmt: skip
_REDIS_SCHEMES = ("redis", "rediss", "unix")
_SMTP_SCHEMES = ("smtp", "smtps")


def look_at(settings: Settings) -> list[Finding]:
    """A finding on each demand, in the order in which they are told."""
    return [check(settings) for check in _CHECKS]


def _secret_key(settings: Settings) -> Finding:
    about = "SECRET_KEY"
    remedy = f"Set it to a long random text, for every process the same: {NEW_KEY}"
    if not settings.secret_key:
        if settings.uses_firestore:
            return bad(about, "is not set, and each process would make its own.", remedy)
        return good(about, "is made by Bellwether and kept in BELLWETHER_DATA.")
    keys = keys_of(settings.secret_key)
    for place, key in enumerate(keys):
        if weakness := weakness_of(key):
            which = "" if len(keys) == 1 else f"number {place + 1} of {len(keys)} "
            return bad(about, f"{which}{weakness}, so that it can be guessed.", remedy)
    older = len(keys) - 1
    return good(about, "is strong." if not older else f"is strong, and {older} older are believed.")


def weakness_of(key: str) -> str:
    """Why a key can be guessed; empty where it cannot."""
    if len(key) < KEY_LENGTH:
        return f"has fewer than {KEY_LENGTH} characters"
    if any(word in key.lower() for word in _PLACEHOLDERS):
        return "is a placeholder"
    if len(set(key)) < KEY_VARIETY:
        return "repeats few characters"
    return ""


def _debug_mode(settings: Settings) -> Finding:
    about = "FLASK_DEBUG"
    if settings.flask_debug:
        return bad(about, "is on: errors would show the code to strangers.", "Unset it.")
    return good(about, "is off.")


def _local_pages(settings: Settings) -> Finding:
    about = "BELLWETHER_LOCAL"
    if settings.bellwether_local and settings.in_production:
        return bad(about, "is on: it is for `make run` on one machine.", "Unset it.")
    return good(about, "is on: one machine." if settings.bellwether_local else "is off.")


def _public_url(settings: Settings) -> Finding:
    about, remedy = "PUBLIC_URL", "Set it to the https:// address at which people reach the site."
    if not settings.public_url:
        return bad(about, f"is not set: mails would link to {settings.address}.", remedy)
    url = urlsplit(settings.public_url)
    if url.scheme != "https" or not url.hostname:
        return bad(about, f"is {settings.public_url}: not https.", remedy)
    if not settings.proxy_hops:
        return doubtful(
            about,
            "is https, and PROXY_HOPS=0 trusts no proxy: everybody has the address of the proxy.",
            "Set PROXY_HOPS to how many proxies stand in front.",
        )
    return good(about, f"is {settings.address}.")


def _redis_url(settings: Settings) -> Finding:
    about = "REDIS_URL"
    remedy = "Set it to the redis:// or rediss:// address of your Redis."
    if not settings.redis_url:
        return bad(about, "is not set.", remedy)
    if urlsplit(settings.redis_url).scheme not in _REDIS_SCHEMES:
        return bad(about, "is no address of a Redis.", remedy)
    return good(about, "is set.")


def _smtp_url(settings: Settings) -> Finding:
    about = "SMTP_URL"
    remedy = "Set it to smtp://user:password@host:port, or smtps://."
    if not settings.smtp_url:
        return bad(about, "is not set: no mail would leave.", remedy)
    if urlsplit(settings.smtp_url).scheme not in _SMTP_SCHEMES:
        return bad(about, "is no address of a mail server.", remedy)
    return good(about, "is set.")


def _mail_from(settings: Settings) -> Finding:
    about = "MAIL_FROM"
    if mail_domain(settings) in ("", "localhost"):
        remedy = "Set it to an address of your domain: Bellwether <bell@example.com>"
        return doubtful(about, f"is {settings.mail_from}: most mail servers refuse it.", remedy)
    return good(about, f"is {settings.mail_from}.")


def mail_domain(settings: Settings) -> str:
    """The domain of MAIL_FROM, empty where it has none."""
    return settings.mail_from.rpartition("@")[2].strip(" <>").lower()


def _documents(settings: Settings) -> Finding:
    about = "FIREBASE_PROJECT_ID"
    if settings.firebase_credentials_base64 and not settings.firebase_project_id:
        return bad(
            about,
            "is not set, but FIREBASE_CREDENTIALS_BASE64 is: documents would go to SQLite.",
            "Set it to the Google Cloud project whose Firestore holds the documents.",
        )
    where = settings.firebase_project_id or "not set: documents are in SQLite"
    return good(about, f"is {where}.")


def _emulator(settings: Settings) -> Finding:
    about = "FIRESTORE_EMULATOR_HOST"
    if settings.firestore_emulator_host:
        says = f"is {settings.firestore_emulator_host}: the emulator forgets all when it ends."
        return bad(about, says, "Unset it; set FIREBASE_PROJECT_ID for Firestore.")
    return good(about, "is not set.")


def _quotes(settings: Settings) -> Finding:
    if settings.quotes == "replay":
        return doubtful("QUOTES", "is replay: prices are of the past.", "Set QUOTES=yahoo.")
    return good("QUOTES", f"is {settings.quotes}.")


def _operator_url(settings: Settings) -> Finding:
    about, url = "OPERATOR_URL", settings.operator_url.get_secret_value()
    if not url and settings.operator_email:
        return good(about, "is not set; OPERATOR_EMAIL is.")
    if not url:
        says = "is not set, nor OPERATOR_EMAIL: nobody is told when alerts are not checked."
        return doubtful(about, says, "Set one of them.")
    from services.notify.channels.apprise.transport import service_at  # 20 MB

    try:
        return good(about, f"leads to {service_at(url).name}.")
    except (DeliveryError, InvalidInput) as error:
        remedy = "Set it to the whole Apprise address of a chat or pager, such as ntfy://your-topic"
        return bad(about, f"cannot be used: {error}", remedy)


_CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _secret_key, _debug_mode, _local_pages, _public_url, _redis_url, _smtp_url, _mail_from,
    _documents, _emulator, _quotes, _operator_url,
)  # fmt: skip
