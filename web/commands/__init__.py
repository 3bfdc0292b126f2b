"""Commands for the terminal: `flask --app app ...`."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask

from config import SettingsError
from services.errors import StoreUnavailable
from web.commands.store import FAILED, store


class _Failure(click.ClickException):
    exit_code = FAILED


def register(app: Flask) -> None:
    app.cli.add_command(store)


@contextmanager
def told_in_a_terminal() -> Iterator[None]:
    """Ends a command with one sentence where the application cannot be made."""
    try:
        yield
    except (SettingsError, StoreUnavailable) as error:
        if click.get_current_context(silent=True) is None:
            raise
        raise _Failure(str(error)) from error
