"""What Bellwether keeps about a person, as a ZIP of JSON and CSV; made as it is read.

No password, token, key of a device or address of a destination that holds a secret is in it.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from services.errors import NotFound
from services.notify.shown import shown
from services.store.contract import Document, Fields, Query, Store
from services.store.users import User
from services.watchlist_csv import guarded

PIECE = 65_536
"""Bytes that are sent at once, roughly."""
_NEVER = {"password_hash", "auth_epoch", "digest_of", "digest_attempts"}
_NOTE = """This is what Bellwether keeps about you, as of {moment:%Y-%m-%d %H:%M} UTC.

Each .json file is one kind of record, complete; a .csv file beside it has the same in rows, for a
spreadsheet. Times are UTC. Left out are your password (of which only a hash is kept), tokens, keys
of devices, and the addresses of chats and webhooks, which are secrets.
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A collection below a person, and what is told of its documents: only `fields`, where they
    are named. `columns` are those of the CSV, dotted into maps; none where there is no CSV."""

    collection: str
    name: str
    fields: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    with_id: bool = True


KINDS = (
    Kind("watchlist", "watchlists"),
    Kind(
        "alerts",
        "alerts",
        columns=(
            *("id", "symbol", "condition.kind", "condition", "frequency", "state", "note"),
            *("created_at", "armed_at", "expires_at", "last_trigger"),
        ),
    ),
    Kind(
        "triggers",
        "triggers",
        columns=(
            *("id", "alert_id", "symbol", "condition.kind", "value", "price", "currency"),
            *("occurred_at", "noticed_at", "note", "deliveries"),
        ),
    ),
    Kind("devices", "devices", ("kind", "name", "created_at", "last_seen_at"), with_id=False),
    Kind("tokens", "tokens", ("created_at",), with_id=False),
    Kind("events", "security_events"),
)
_LIST_COLUMNS = ("list", "symbol", "note", "added_at")


def archive(store: Store, uid: str, now: datetime) -> Iterator[bytes]:
    """The ZIP of a person, piece by piece; a few hundred documents are in memory at once.

    Raises NotFound before the first piece where there is no such person, and StoreError.
    """
    document = store.get(f"users/{uid}")
    if document is None:
        raise NotFound(f"There is no user {uid}.")
    return _pieces(store, User.from_document(document), now)


def _pieces(store: Store, user: User, now: datetime) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in _files(store, user, now):
            entry = zipfile.ZipInfo(name, now.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                for line in lines:
                    file.write(line)
                    yield from sink.taken()
    yield from sink.taken(all_of_it=True)


def _files(store: Store, user: User, now: datetime) -> Iterator[tuple[str, Iterator[bytes]]]:
    yield "README.txt", iter([_NOTE.format(moment=now).encode()])
    yield "account.json", iter([to_json(_profile(user), indent=1, inf_nan_mode="null"), b"\n"])
    for kind in KINDS:
        yield f"{kind.name}.json", _json(store, user.uid, kind)
        if kind.columns:
            rows = ([_at(told, c) for c in kind.columns] for told in _told(store, user.uid, kind))
            yield f"{kind.name}.csv", _csv(kind.columns, rows)
    yield "watchlists.csv", _csv(_LIST_COLUMNS, _entries(store, user.uid))


def _profile(user: User) -> Mapping[str, Any]:
    places = [
        {"leads_to": shown(one), **one.model_dump(exclude={"url", "secret", "leads_to"})}
        for one in user.destinations
    ]
    kept = user.model_dump(exclude={*_NEVER, "destinations"})
    return {**kept, "destinations": places}


def _told(store: Store, uid: str, kind: Kind) -> Iterator[Fields]:
    for document in store.query(Query(f"users/{uid}/{kind.collection}")):
        yield _fields(document, kind)


def _fields(document: Document, kind: Kind) -> Fields:
    told = {n: v for n, v in document.fields.items() if not kind.fields or n in kind.fields}
    return {"id": document.id, **told} if kind.with_id else told


def _json(store: Store, uid: str, kind: Kind) -> Iterator[bytes]:
    before = b"[\n"
    for told in _told(store, uid, kind):
        yield before + to_json(told, inf_nan_mode="null")
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def _entries(store: Store, uid: str) -> Iterator[list[object]]:
    for watchlist in store.query(Query(f"users/{uid}/watchlist")):
        entries: Any = watchlist.fields.get("entries", [])
        for entry in entries:
            yield [watchlist.fields.get("name"), *(entry.get(name) for name in _LIST_COLUMNS[1:])]


def _csv(columns: Sequence[str], rows: Iterator[list[object]]) -> Iterator[bytes]:
    yield _line(columns)
    for row in rows:
        yield _line([_cell(value) for value in row])


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple):
        return guarded(json.dumps(json.loads(to_json(value)), ensure_ascii=False))
    return guarded(str(value))


def _at(fields: Fields, column: str) -> object:
    value: Any = fields
    for name in column.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


class _Sink(io.RawIOBase):
    """Where the archive is written to, and taken from."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._held += content
        return len(content)

    def taken(self, *, all_of_it: bool = False) -> Iterator[bytes]:
        if self._held and (all_of_it or len(self._held) >= PIECE):
            yield bytes(self._held)
            self._held.clear()
