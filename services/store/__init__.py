"""The document store: one contract, two engines."""

import logging
from pathlib import Path

from config import Settings
from services.errors import StoreUnavailable
from services.store.contract import Store
from services.store.transfer.bookmark import check_complete

log = logging.getLogger(__name__)


def require_usable(store: Store) -> None:
    """Raises StoreUnavailable when `store` cannot be used until somebody changes something, or
    holds only a part of another, as a copy or restore that was interrupted leaves it.

    One that is only away for a while is no reason not to start: it is asked again later.
    """
    try:
        store.ping()
        check_complete(store, "The store")
    except StoreUnavailable as error:
        if not error.passing:
            raise
        log.warning("The store is away, Bellwether starts all the same: %s", error)


def open_store(settings: Settings) -> Store:
    """The store that the settings name; it is reached at first use, not here.

    Raises StoreUnavailable when its folder or credentials cannot be used.
    """
    if settings.uses_firestore:
        return store_of_project(
            settings.firebase_project_id or "bellwether",
            settings.firebase_database,
            settings.firebase_credentials_base64,
            settings.firestore_emulator_host,
        )
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The folder {settings.data} cannot be made ({error.strerror})."
            " Set BELLWETHER_DATA to a folder that this user may write."
        ) from error
    return store_in_file(settings.data / "bellwether.sqlite3")


def store_of_project(
    project: str, database: str, credentials_base64: str, emulator_host: str
) -> Store:
    """A Firestore database, reached at first use. Raises StoreUnavailable over credentials."""
    from services.store.firestore import open_firestore  # 40 MB, only where it is used

    return open_firestore(project, credentials_base64, emulator_host, database)


def store_in_file(path: Path) -> Store:
    """The embedded store in the file at `path`, which is made at first use where it is missing."""
    from services.store.sqlite import SqliteStore

    return SqliteStore(path)
