"""`flask store copy` and `flask store compare`: moving every document, and the proof.

Exit codes: 0 equal, 1 not equal, 2 it could not be done.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app
from flask.cli import AppGroup

from services.container import Services
from services.errors import InvalidInput, StoreError
from services.store.shelf import Shelf
from services.store.transfer.compare import SHOWN, Comparison
from services.store.transfer.places import (
    Access,
    Place,
    compare_between,
    copy_between,
    read_place,
)
from services.store.transfer.plan import Consent
from web.commands.progress import bar

NOT_EQUAL, FAILED, INTERRUPTED = 1, 2, 130
_WORDS = {"missing": "only in the first", "extra": "only in the second", "differs": "differs"}

store = AppGroup("store", help="Copy or compare all documents. Stop Bellwether before.")


class _PlaceType(click.ParamType[Place]):
    name = "place"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Place:
        try:
            return read_place(value)
        except InvalidInput as error:
            self.fail(error.message, param, ctx)


@store.command("copy")
@click.argument("source", type=_PlaceType())
@click.argument("target", type=_PlaceType())
@click.option("--into-existing", is_flag=True, help="Overwrite what differs in TARGET.")
@click.option("--delete-extra", is_flag=True, help="The same, and delete what SOURCE lacks.")
def copy(source: Place, target: Place, into_existing: bool, delete_extra: bool) -> None:
    """Copy every document from SOURCE to TARGET, then compare the two.

    A place is sqlite:PATH, firestore:PROJECT[/DATABASE] or file:PATH. A copy that was
    interrupted goes on when the same command is given again.
    """
    consent = Consent(overwrite=into_existing or delete_extra, delete=delete_extra)
    with _explained("The same command goes on where it stopped."):
        result = copy_between(source, target, _access(), consent, bar)
    _forget_pages()
    _tell(result, source, target)
    if not result.equal:
        click.echo(_advice(result), err=True)
        raise SystemExit(NOT_EQUAL)


@store.command("compare")
@click.argument("a", type=_PlaceType())
@click.argument("b", type=_PlaceType())
def compare(a: Place, b: Place) -> None:
    """Compare every document of the places A and B."""
    with _explained("Nothing was changed."):
        result = compare_between(a, b, _access(), bar)
    _tell(result, a, b)
    if not result.equal:
        raise SystemExit(NOT_EQUAL)


def _access() -> Access:
    services: Services = current_app.extensions["bellwether"]
    settings = services.settings
    return Access(settings.firebase_credentials_base64, settings.firestore_emulator_host)


def _forget_pages() -> None:
    """What people see of the target must not be what was there before."""
    services: Services = current_app.extensions["bellwether"]
    if services.settings.redis_url:
        Shelf(services.redis).clear()


@contextmanager
def _explained(after_interruption: str) -> Iterator[None]:
    """Ends the command with one sentence where it cannot be done."""
    try:
        yield
    except (StoreError, InvalidInput) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(FAILED) from error
    except KeyboardInterrupt as error:
        click.echo(f"Interrupted. {after_interruption}", err=True)
        raise SystemExit(INTERRUPTED) from error


def _tell(result: Comparison, a: Place, b: Place) -> None:
    for place, tally in ((a, result.a), (b, result.b)):
        click.echo(f"{place}: {tally.documents} documents, digest {tally.digest}")
    for verdict, path in result.first:
        click.echo(f"{_WORDS[verdict]}: {path}")
    unequal = result.missing + result.extra + result.differing
    if unequal > SHOWN:
        click.echo(f"... and {unequal - SHOWN} more")
    click.echo("equal" if result.equal else f"not equal: {unequal} paths")


def _advice(result: Comparison) -> str:
    if result.missing or result.differing:
        return (
            "The source was changed during the copy. Stop Bellwether, then give the same command"
            " again."
        )
    return "The target holds documents that the source lacks. --delete-extra deletes them."
