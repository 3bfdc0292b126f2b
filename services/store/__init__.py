"""The document store: one contract, two engines."""

from config import Settings
from services.errors import StoreUnavailable
from services.store.contract import Store


def open_store(settings: Settings) -> Store:
    """The store that the settings name; it is reached at first use, not here.

    Raises StoreUnavailable when its folder or credentials cannot be used.
    """
    if settings.uses_firestore:
        from services.store.firestore import open_firestore  # 40 MB, only where it is used

        return open_firestore(
            settings.firebase_project_id or "bellwether",
            settings.firebase_credentials_base64,
            settings.firestore_emulator_host,
            settings.firebase_database,
        )
    from services.store.sqlite import SqliteStore

    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The folder {settings.data} cannot be made ({error.strerror})."
            " Set BELLWETHER_DATA to a folder that this user may write."
        ) from error
    return SqliteStore(settings.data / "bellwether.sqlite3")
