"""Commands for the terminal: `flask --app app ...`."""

from flask import Flask

from web.commands.store import store


def register(app: Flask) -> None:
    app.cli.add_command(store)
