"""`flask doctor`: whether all is well, and what to do where it is not.

Exit codes: 0 nothing is bad, 1 something is.
"""

import json as jsons
from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from services.doctor.finding import MARKS, faults, table
from web.commands.engine import engine
from web.context import services

BAD = 1


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@with_appcontext
def doctor(as_json: bool) -> None:
    """Look at settings, Redis, store, mail, clocks, index, queues, backups and more."""
    from services.doctor.examine import examine  # it brings what web processes do without

    found = examine(services(), engine().unattended, lambda: datetime.now(UTC))
    if as_json:
        click.echo(jsons.dumps([one.as_dict() for one in found], indent=2))
    else:
        click.echo(table(found))
        counts = [f"{sum(one.state == s for one in found)} {m}" for s, m in MARKS.items()]
        click.echo("\n" + "   ".join(counts))
    if faults(found):
        raise SystemExit(BAD)
