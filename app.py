"""The web application: `create_app()`, and `app` for gunicorn. Wiring only."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from flask import Flask
from gunicorn.errors import AppImportError

from config import Settings, SettingsError, load_settings
from services.container import Services, open_services
from services.errors import BellwetherError
from services.metrics.shared import share_metrics
from services.redis_client import open_redis_for_pages
from services.reporting import start_reporting
from services.tracing import start_tracing
from web import api, commands, errors, languages, pages, security, seen
from workers.queues import RqJobs


def create_app(settings: Settings | None = None, services: Services | None = None) -> Flask:
    """The application. Raises SettingsError or StoreUnavailable with the remedy."""
    settings = settings or load_settings()
    services = services or open_services(settings, RqJobs, open_redis_for_pages)
    app = Flask(__name__)
    app.extensions["bellwether"] = services
    app.extensions[commands.ENGINE] = partial(_open_engine, services)
    seen.register(app)
    security.protect(app, settings, services.redis)
    languages.register(app)
    errors.register(app)
    pages.register(app)
    api.register(app)
    security.spare_probes(app)
    commands.register(app)
    return app


def _open_engine(services: Services) -> commands.Engine:
    from workers.console import Console  # what it imports is for commands only, and large

    return Console(services)


@contextmanager
def _told_by_gunicorn() -> Iterator[None]:
    """Ends gunicorn with one sentence where the application cannot be made."""
    try:
        yield
    except (SettingsError, BellwetherError) as error:
        raise AppImportError(str(error)) from error


def __getattr__(name: str) -> Any:
    """Make `app` when it is first asked for, so that importing this module starts nothing."""
    if name == "app":
        with _told_by_gunicorn(), commands.told_in_a_terminal():
            settings = load_settings()
            start_reporting(settings)
            start_tracing(settings, "web")
            app = create_app(settings)
            share_metrics(settings.data / "metrics")
            return app
    raise AttributeError(name)
