"""What the terminal says once Bellwether is ready."""

from config import Settings
from local.demo_user import EMAIL, demo_password


def first_steps(settings: Settings, market: str, *, demo: bool) -> str:
    """The address, how to go on, and where things are; `market` is yahoo or replay."""
    steps = _of_the_demo(settings) if demo else _of_a_new_user(settings)
    steps.append(_where_mails_are(settings))
    lines = [f"Bellwether is ready: {settings.address}", ""]
    lines += [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    lines += ["", f"  {_prices(settings, market)}"]
    lines += [f"  Data is kept in {settings.data}. Ctrl-C stops everything."]
    return "\n".join(lines)


def _of_a_new_user(settings: Settings) -> list[str]:
    where = "you get" if settings.smtp_url else "at /local/mail"
    return [
        f"Sign up, and confirm your address by the link in the mail {where}.",
        "Add a symbol, such as AAPL, to your watchlist, and set an alert on it.",
    ]


def _of_the_demo(settings: Settings) -> list[str]:
    return [
        f"Sign in as {EMAIL} with the password {demo_password(settings.signing_key())}",
        "Look at the watchlist and the alerts; the first ring within a minute.",
    ]


def _where_mails_are(settings: Settings) -> str:
    if settings.smtp_url:
        return "When an alert rings, you get a mail through SMTP_URL."
    return f"When an alert rings, its mail is at {settings.address}/local/mail"


def _prices(settings: Settings, market: str) -> str:
    if market == "yahoo":
        return "Prices come from Yahoo."
    return (
        f"Prices are a replay of real ones from {settings.replay_start} on, one trading day in"
        f" {settings.replay_day_seconds:g} s."
    )
