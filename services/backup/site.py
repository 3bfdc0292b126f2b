"""The backups of the site that the settings describe."""

from redis import Redis

from config import Settings
from services.backup.backups import Backups
from services.backup.folder import Folder
from services.store.contract import Store
from services.store.transfer.places import Place, read_place


def configured_place(settings: Settings) -> Place:
    """Where the settings say that documents are."""
    if settings.uses_firestore:
        project = settings.firebase_project_id or "bellwether"
        return read_place(f"firestore:{project}/{settings.firebase_database}")
    return read_place(f"sqlite:{settings.data / 'bellwether.sqlite3'}")


def backups_of(settings: Settings, store: Store, redis: Redis, at: str = "") -> Backups:
    """The backups of `store` at BACKUP_TO, or `at` another folder. Raises BackupError."""
    folder = Folder(at or settings.backup_to or str(settings.data / "backups"))
    return Backups(store, str(configured_place(settings)), folder, settings.data, redis)
