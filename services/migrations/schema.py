"""Whether the documents are of the schema that this version of Bellwether knows."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from services.doctor.finding import Finding, bad, good
from services.errors import StoreUnavailable
from services.migrations.all import LATEST
from services.migrations.running import Migrations
from services.store.contract import Store
from services.store.schema import Schema

ABOUT = "Documents"
log = logging.getLogger(__name__)


def schema_finding(store: Store) -> Finding:
    """A store that nobody has used yet gets the schema of this version. Raises StoreError."""
    version = _version(store)
    if version > LATEST:
        return bad(
            ABOUT,
            f"were written by a newer Bellwether (schema {version}; this one knows {LATEST}).",
            "Install that version again, or restore an older backup.",
        )
    if version < LATEST:
        says = f"are of schema {version}, and this version needs {LATEST}."
        return bad(ABOUT, says, "Run: flask --app app migrate")
    return good(ABOUT, f"can be read, and are of schema {version}.")


def require_known_schema(store: Store) -> None:
    """Raises StoreUnavailable where the documents are newer than this version. One that is away
    for a while is asked again by the jobs."""
    with _unless_away():
        if _version(store) > LATEST:
            finding = schema_finding(store)
            raise StoreUnavailable(f"The documents {finding.says} {finding.remedy}")


def bring_up_to_date(store: Store, now: datetime) -> None:
    """Run what is pending, at once; for one machine, where nothing else would."""
    with _unless_away():
        migrations = Migrations(store)
        for migration in migrations.pending():
            changed = migrations.run(migration, now)
            log.info("Migration %d (%s): %d changed", migration.number, migration.says, changed)


@contextmanager
def _unless_away() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        if not error.passing:
            raise
        log.warning("The schema of the documents was not looked at. %s", error)


def _version(store: Store) -> int:
    schema = Schema(store)
    state, seen = schema.read()
    if seen is None and schema.is_new():
        schema.stamp(LATEST)
        return LATEST
    return state.version
