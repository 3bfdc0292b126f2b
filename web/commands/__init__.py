"""Commands for the terminal: `flask --app app ...`."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask

from config import SettingsError
from services.errors import StoreUnavailable
from web.commands.alerts import alerts
from web.commands.backup import backup
from web.commands.check import check
from web.commands.doctor import doctor
from web.commands.engine import EXTENSION as ENGINE
from web.commands.engine import Engine
from web.commands.log_name import log_name
from web.commands.migrate import migrate
from web.commands.push import push_key
from web.commands.schedule import schedule
from web.commands.seal import seal
from web.commands.store import FAILED, store

__all__ = ["ENGINE", "Engine", "register", "told_in_a_terminal"]


class _Failure(click.ClickException):
    exit_code = FAILED


def register(app: Flask) -> None:
    of_alerts, of_keys = (alerts, check, schedule), (push_key, seal)
    for command in (store, backup, doctor, migrate, log_name, *of_alerts, *of_keys):
        app.cli.add_command(command)


@contextmanager
def told_in_a_terminal() -> Iterator[None]:
    """Ends a command with one sentence where the application cannot be made."""
    try:
        yield
    except (SettingsError, StoreUnavailable) as error:
        if click.get_current_context(silent=True) is None:
            raise
        raise _Failure(str(error)) from error
