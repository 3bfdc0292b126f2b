"""What a browser calls itself, in words for people. Pure."""

from collections.abc import Sequence

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
"""The first that fits: most of them claim to be those below."""
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> str:
    """Such as `Chrome on Android`."""
    system = _named(user_agent, _SYSTEMS)
    browser = _named(user_agent, _BROWSERS) or "Browser"
    return f"{browser} on {system}" if system else browser


def _named(user_agent: str, names: Sequence[tuple[str, str]]) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
