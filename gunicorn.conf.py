"""How gunicorn serves app:app. WEB_CONCURRENCY says how many processes."""

from pathlib import Path

from config import SettingsError, load_settings

try:
    settings = load_settings()
except SettingsError as error:
    raise SystemExit(str(error)) from None

bind = f"{'127.0.0.1' if settings.bellwether_local else '0.0.0.0'}:{settings.port}"  # noqa: S104  a server's port is public
worker_class = "gthread"
threads = 8
timeout = 30
# Platforms kill 30 s after SIGTERM, `make run` after 5.
graceful_timeout = 2 if settings.bellwether_local else 20
# Longer than the idle time of the usual load balancers, so that they are first to hang up.
keepalive = 5 if settings.bellwether_local else 75
# Heartbeats must not wait for a container's disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
control_socket_disable = True
loglevel = settings.log_level.lower()
