"""`flask backup managed`: what Google does to keep a Firestore database."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import AppGroup

from services.container import Services
from services.errors import InvalidInput, StoreError

if TYPE_CHECKING:
    from services.store.managed_backups import ManagedBackups, Rhythm

FAILED = 2
managed = AppGroup("managed", help="Exports, backups and recovery that Google's cloud makes.")


@managed.command("show")
def show() -> None:
    """Show how the database is kept: recovery, schedules, backups."""
    with _google() as google:
        kept = google.protection()
        span = "7 days by the minute" if kept.recovery else "the past hour (recovery is off)"
        click.echo(f"location: {kept.location}")
        click.echo(f"can be read back: {span}, now to {kept.earliest:%Y-%m-%d %H:%M} UTC")
        click.echo(f"delete protection: {'on' if kept.delete_protected else 'off'}")
        for one in google.schedules():
            click.echo(f"schedule: {one.rhythm}, kept {one.kept_for.days} days")
        _list(google)


@managed.command("list")
def list_all() -> None:
    """List Google's own backups, the oldest first."""
    with _google() as google:
        _list(google)


@managed.command("export")
@click.argument("bucket", metavar="gs://BUCKET/FOLDER")
def export(bucket: str) -> None:
    """Begin an export of all documents as of the last minute; it goes on by itself."""
    with _google() as google:
        operation, minute = google.export(bucket, datetime.now(UTC))
        click.echo(f"{operation}: all documents of {minute:%Y-%m-%d %H:%M} UTC go to {bucket}")
        click.echo(f"How far it is: gcloud firestore operations describe {operation}")


@managed.command("schedule")
@click.argument("rhythm", type=click.Choice(["daily", "weekly"]))
@click.option("--keep", "days", default=7, show_default=True, help="Days, 98 at most.")
def schedule(rhythm: "Rhythm", days: int) -> None:
    """Have Google make a backup each day, or each Sunday."""
    with _google() as google:
        google.schedule(rhythm, timedelta(days=days))
        click.echo(f"Google makes a {rhythm} backup and keeps each for {days} days.")


@managed.command("enable-recovery")
def enable_recovery() -> None:
    """Keep seven days of the past, by the minute, and protect the database from deletion."""
    with _google() as google:
        click.echo(f"{google.enable_recovery()}: recovery and delete protection are switched on.")


def _list(google: "ManagedBackups") -> None:
    for one in google.backups():
        click.echo(
            f"{one.taken_at:%Y-%m-%d %H:%M} UTC  {one.documents:,} documents  {one.bytes:,} bytes"
            f"  {one.state}  until {one.expires_at:%Y-%m-%d}  {one.name}"
        )


@contextmanager
def _google() -> Iterator["ManagedBackups"]:
    from services.store.managed_backups import managed_backups  # 40 MB, only where it is used

    services: Services = current_app.extensions["bellwether"]
    settings = services.settings
    try:
        found = managed_backups(
            settings.firebase_project_id,
            settings.firebase_database,
            settings.firebase_credentials_base64,
            settings.firestore_emulator_host,
        )
        with closing(found):
            yield found
    except (StoreError, InvalidInput) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(FAILED) from error
