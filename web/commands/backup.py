"""`flask backup`: make, list, prove, restore and let go of backups.

Exit codes: 0 done, 1 a backup is faulty or the target is not equal to it, 2 it could not be done.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import AppGroup
from redis import RedisError

from services.backup.backups import Backups, Listed
from services.backup.derived import forget_derived
from services.backup.leavers import WithoutLeavers, left_in
from services.backup.parts import Backup
from services.backup.restoring import restore as restore_into
from services.backup.site import backups_of, configured_place
from services.container import Services
from services.errors import InvalidInput, StoreError
from services.store import open_store
from services.store.contract import Document, Store
from services.store.transfer.compare import Comparison
from services.store.transfer.places import AT_ONCE, Access, open_place, read_place
from web.commands.managed import managed
from web.commands.progress import bar

FAULTY, FAILED, INTERRUPTED = 1, 2, 130
_FORGET = "flask --app app backup forget"
_PROVED = "{}: every part is whole and can be restored."

backup = AppGroup("backup", help="Make, prove and restore backups of all documents.")
backup.add_command(managed)
_at = click.option("--at", default="", metavar="FOLDER", help="Folder or address; else BACKUP_TO.")


@backup.command("create")
@_at
@click.option("--verify", "proved", is_flag=True, help="Prove it, too.")
def create(at: str, proved: bool) -> None:
    """Make a backup of all documents as they are now. Bellwether may run meanwhile."""
    with _explained("What was written is no backup."), _backups(at) as backups:
        if proved:
            state = backups.create_proved(datetime.now(UTC), bar)
            made = backups.open(state.name)
        else:
            made = backups.create(bar)
        _tell(made)
        if proved:
            click.echo(_PROVED.format(made.name))


@backup.command("list")
@_at
def list_all(at: str) -> None:
    """List the backups, the oldest first."""
    with _explained(""), _backups(at) as backups:
        for one in backups.listed():
            click.echo(_line(one))


@backup.command("verify")
@click.argument("name", default="latest")
@_at
def verify(name: str, at: str) -> None:
    """Prove the backup NAME, the latest if none is named: sums, counts, and a restore."""
    with _explained("Nothing was changed."), _backups(at) as backups:
        _prove(backups, backups.open(name))


@backup.command("restore")
@click.argument("name", default="latest")
@click.option("--to", default="", metavar="PLACE", help="sqlite:PATH or firestore:PROJECT/DATABASE")
@click.option("--force", is_flag=True, help="Replace all that PLACE holds.")
@_at
def restore(name: str, to: str, force: bool, at: str) -> None:
    """Restore the backup NAME, the latest if none is named. Stop Bellwether before.

    It goes to the configured store, or to PLACE. One that was interrupted goes on when the same
    command is given again.
    """
    with _explained("The same command goes on where it stopped."), _backups(at) as backups:
        result = _restored(backups, backups.open(name), to, force)
    _forget(to)
    if not result.equal:
        raise SystemExit(FAULTY)


@backup.command("prune")
@_at
def prune(at: str) -> None:
    """Remove backups that are not of the last 7 days, 4 weeks or 12 months."""
    with _explained(""), _backups(at) as backups:
        for name in backups.prune(datetime.now(UTC)):
            click.echo(f"removed {name}")


@backup.command("forget")
def forget() -> None:
    """Drop what Redis holds of the documents: before a start on a store that was restored."""
    _forget("")


def _restored(backups: Backups, chosen: Backup, to: str, force: bool) -> Comparison:
    settings = _services().settings
    place = read_place(to) if to else configured_place(settings)
    if place.scheme == "file":
        raise InvalidInput("place", "Restore into sqlite:PATH or firestore:PROJECT/DATABASE.")
    access = Access(settings.firebase_credentials_base64, settings.firestore_emulator_host)
    at_once = AT_ONCE[place.scheme]
    with closing(open_place(place, access)) as target:
        source = WithoutLeavers(chosen, _left(backups, target))
        result = restore_into(source, target, str(place), bar, force=force, at_once=at_once)
    click.echo(f"{chosen}: {result.a.documents:,} documents, digest {result.a.digest}")
    click.echo(f"{place}: {result.b.documents:,} documents, digest {result.b.digest}")
    for verdict, path in result.first:
        click.echo(f"{verdict}: {path}")
    if source.left_out:
        click.echo(f"Left out: {len(source.left_out):,} who have deleted their account since.")
    click.echo("equal" if result.equal else "not equal: see that nothing else writes there.")
    return result


def _left(backups: Backups, target: Store) -> Iterator[Document]:
    """The records of people who have left, of all places that may know; an old one may be damaged,
    and is restored from for that reason."""
    for place in (backups.store, target, backups.open("latest")):
        try:
            yield from left_in(place)
        except StoreError as error:
            click.echo(f"Some who have left may come back, for one list is lost: {error}", err=True)


def _prove(backups: Backups, chosen: Backup) -> None:
    faults = backups.verify(chosen, datetime.now(UTC), bar)
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise SystemExit(FAULTY)
    click.echo(_PROVED.format(chosen.name))


def _tell(made: Backup) -> None:
    manifest = made.manifest
    for collection, number in manifest.collections.items():
        click.echo(f"{collection}: {number:,}")
    click.echo(
        f"{made.name}: {manifest.documents:,} documents in {len(manifest.parts)} parts,"
        f" {manifest.stored_bytes:,} bytes, {manifest.seconds:.1f} s"
    )


def _line(one: Listed) -> str:
    if one.manifest is None:
        return f"{one.name}  {one.fault or 'unfinished: no backup'}"
    proved = "verified" if one.verified else "not verified"
    manifest = one.manifest
    return (
        f"{one.name}  {manifest.documents:,} documents  {manifest.stored_bytes:,} bytes  {proved}"
    )


def _forget(to: str) -> None:
    """What Redis holds is of the documents of before."""
    services = _services()
    try:
        if services.settings.redis_url:
            forget_derived(services.redis)
            told = "Redis forgot pages, sessions and the index of armed alerts: they are made anew."
            later = f" Do so again once the settings name {to}: {_FORGET}"
            click.echo(told + (later if to else ""))
            return
    except RedisError as error:
        click.echo(f"Redis does not answer ({error}).", err=True)
    click.echo(f"Start Redis anew before Bellwether (`make run` does), or: {_FORGET}", err=True)


def _services() -> Services:
    services: Services = current_app.extensions["bellwether"]
    return services


@contextmanager
def _backups(at: str) -> Iterator[Backups]:
    settings = _services().settings
    with closing(open_store(settings)) as store:
        yield backups_of(settings, store, _services().redis, at)


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
