"""`flask seal`: encrypt stored addresses and secrets of channels with the first SECRET_KEY.

Exit codes: 0 done, 1 some are opened by no key, 2 it could not be done.
"""

import click
from flask.cli import with_appcontext

from services.errors import StoreError
from services.notify.resealing import reseal
from services.store.keeping import Keeping
from web.context import services

LOST, FAILED = 1, 2


@click.command("seal")
@click.option("--dry-run", is_flag=True, help="Only count.")
@with_appcontext
def seal(dry_run: bool) -> None:
    """Seal people's channels with the first SECRET_KEY: after an update, and before an old key
    goes. Bellwether may run meanwhile."""
    s = services()
    try:
        found = reseal(Keeping(s.store), s.users, s.seal, dry_run=dry_run)
    except StoreError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(FAILED) from error
    what = "to be sealed anew" if dry_run else "sealed anew"
    click.echo(f"{found.right:,} channels are sealed already, {found.to_renew:,} {what}.")
    if found.lost:
        click.echo(f"{found.lost:,} are opened by no key: their owners add them again.", err=True)
        raise SystemExit(LOST)
