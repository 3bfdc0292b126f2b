"""`flask schedule`: what runs when, and how the last runs went.

Exit codes: 0 told, 2 Redis does not answer.
"""

import json as jsons
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click
from flask.cli import with_appcontext

from services.scheduled import Scheduled
from web.commands.alerts import explained
from web.commands.engine import engine


@click.command("schedule")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@with_appcontext
def schedule(as_json: bool) -> None:
    """List the schedule, when each job runs next, and how its last run went."""
    with explained():
        entries = engine().schedule()
    if as_json:
        click.echo(jsons.dumps([asdict(one) for one in entries], indent=2, default=_iso))
        return
    now = datetime.now(UTC)
    rows = [(one.job, one.rhythm, _next(one, now), _last(one), one.says) for one in entries]
    for row in [("job", "runs", "next (UTC)", "last (UTC)", ""), *rows]:
        click.echo("{:<19} {:<19} {:<25} {:<21} {}".format(*row).rstrip())
    for one in entries:
        if one.error:
            click.echo(f"{one.job} failed: {one.error}")


def _next(one: Scheduled, now: datetime) -> str:
    if one.next_run is None:
        return "no clock runs"
    left = max(one.next_run - now, timedelta(0))
    minutes = round(left.total_seconds() / 60)
    away = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    return f"{one.next_run:%m-%d %H:%M:%S}, {away}"


def _last(one: Scheduled) -> str:
    if one.ended_at is None:
        return "never"
    return f"{'failed' if one.error else 'done'} {one.ended_at:%m-%d %H:%M:%S}"


def _iso(value: datetime) -> str:
    return value.isoformat()
