"""What the terminal says once Bellwether is ready."""

from config import Settings
from local.demo_user import EMAIL, demo_password


def first_steps(settings: Settings, market: str, *, demo: bool) -> str:
    """The address, how to go on, and where things are; `market` is yahoo or replay."""
    enter = _sign_in(settings) if demo else _sign_up(settings)
    steps = [
        *enter,
        "Add a symbol, such as AAPL, to your watchlist.",
        f"Set an alert. When it rings, its mail is at {settings.address}/local/mail",
    ]
    if settings.smtp_url:
        steps[-1] = "Set an alert. When it rings, you get a mail through SMTP_URL."
    lines = [f"Bellwether is ready: {settings.address}", ""]
    lines += [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    lines += ["", f"  {_prices(settings, market)}"]
    lines += [f"  Data is kept in {settings.data}. Ctrl-C stops everything."]
    return "\n".join(lines)


def _sign_up(settings: Settings) -> list[str]:
    if settings.smtp_url:
        return ["Sign up, and confirm your address by the link in the mail you get."]
    return ["Sign up, and confirm your address by the link in the mail at /local/mail"]


def _sign_in(settings: Settings) -> list[str]:
    return [f"Sign in as {EMAIL} with the password {demo_password(settings.signing_key())}"]


def _prices(settings: Settings, market: str) -> str:
    if market == "yahoo":
        return "Prices come from Yahoo."
    return (
        f"Prices are a replay of real ones from {settings.replay_start} on, one trading day in"
        f" {settings.replay_day_seconds:g} s."
    )
