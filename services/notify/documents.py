"""The documents that deliveries are read from and written to, in a transaction."""

from collections.abc import Sequence

from services.store.contract import Transaction, Update
from services.store.record import readable
from services.store.triggers import Trigger, trigger_path
from services.store.users import User


def read_user(transaction: Transaction, uid: str) -> User | None:
    document = transaction.get(f"users/{uid}")
    return User.from_document(document) if document else None


def read_triggers(transaction: Transaction, paths: Sequence[str]) -> list[Trigger]:
    """Those that are still there and can be read."""
    documents = (document for document in transaction.get_all(paths) if document is not None)
    return list(readable(Trigger, documents))


def stored(trigger: Trigger) -> Update:
    return Update(trigger_path(trigger.uid, trigger.id), trigger.fields())
