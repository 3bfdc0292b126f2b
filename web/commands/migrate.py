"""`flask migrate`: bring the documents to the schema of this version. Run it at each deploy.

Exit codes: 0 done, or nothing to do; 2 it could not be done.
"""

from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from services.errors import StoreError
from services.migrations.running import Migrations
from services.migrations.schema import schema_finding
from web.commands.progress import bar
from web.context import services

FAILED = 2


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only count what would be changed.")
@click.option("--no-backup", is_flag=True, help="Make no backup before.")
@with_appcontext
def migrate(dry_run: bool, no_backup: bool) -> None:
    """Change stored documents as this version needs them; Bellwether may run meanwhile.

    One that was interrupted goes on when the same command is given again.
    """
    try:
        _migrate(dry_run, no_backup)
    except StoreError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(FAILED) from error


def _migrate(dry_run: bool, no_backup: bool) -> None:
    store = services().store
    finding = schema_finding(store)
    migrations = Migrations(store)
    pending = migrations.pending()
    if not pending:
        click.echo(f"Documents {finding.says}")
        if finding.state == "bad":
            raise SystemExit(FAILED)
        return
    if dry_run:
        for one in pending:
            click.echo(f"{one.number}: {one.says}: {migrations.count(one):,} would be changed")
        return
    if not no_backup and not migrations.begun():
        click.echo(f"Backup {services().backups.create(bar).name} is made.")
    for one in pending:
        changed = migrations.run(one, datetime.now(UTC))
        click.echo(f"{one.number}: {one.says}: {changed:,} changed")
