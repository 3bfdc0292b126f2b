"""Whether the indexes of firestore.indexes.json are there: each is asked for something that is
nowhere. Firestore refuses a query whose index is missing or not built yet."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.errors import StoreUnavailable
from services.store.contract import Direction, Query, Store

_NOWHERE = "\x00nowhere"
_DIRECTIONS: dict[str, Direction] = {"ASCENDING": "ascending", "DESCENDING": "descending"}
_PARENT = "users/nobody"


def missing_indexes(store: Store, file: Path) -> list[str]:
    """The indexes of `file` that the store's queries lack, as group and fields. One read each."""
    return [name for name, query in _queries(file) if not _is_answered(store, query)]


def _queries(file: Path) -> Iterator[tuple[str, Query]]:
    content = json.loads(file.read_text())
    for index in content["indexes"]:
        yield _query(index["collectionGroup"], index["queryScope"], index["fields"])
    for field in content["fieldOverrides"]:
        for index in field["indexes"]:
            if index.get("queryScope") == "COLLECTION_GROUP":
                fields = [{"fieldPath": field["fieldPath"], "order": index["order"]}]
                yield _query(field["collectionGroup"], "COLLECTION_GROUP", fields)


def _query(group: str, scope: str, fields: list[dict[str, Any]]) -> tuple[str, Query]:
    """Equalities on all fields but the last one, by which it is in order."""
    *equal, last = fields
    everywhere = scope == "COLLECTION_GROUP"
    query = Query(
        group if everywhere else f"{_PARENT}/{group}",
        group=everywhere,
        where=tuple((field["fieldPath"], "==", _NOWHERE) for field in equal),
        order_by=((last["fieldPath"], _DIRECTIONS[last["order"]]),),
        limit=1,
    )
    return f"{group} by {', '.join(field['fieldPath'] for field in fields)}", query


def _is_answered(store: Store, query: Query) -> bool:
    try:
        next(store.query(query), None)
    except StoreUnavailable as error:
        if error.passing:
            raise
        return False
    return True
