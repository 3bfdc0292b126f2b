"""`flask log-name`: what an id is called in the log."""

import click
from flask.cli import with_appcontext

from services.logs.redaction import redaction_of
from web.context import services


@click.command("log-name")
@click.argument("ids", nargs=-1, required=True)
@with_appcontext
def log_name(ids: tuple[str, ...]) -> None:
    """Print the short names that stand for IDS (of people, alerts, triggers) in log lines."""
    redaction = redaction_of(services().settings)
    for id_ in ids:
        click.echo(f"{redaction.short_name(id_.strip())} {id_.strip()}")
