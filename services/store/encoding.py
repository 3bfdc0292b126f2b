"""How SQLite keeps a document's fields: JSON text, and bytes that sort as Firestore sorts.

Both forms are part of the file's schema: a change needs a new schema version and a REINDEX.
"""

import json
import math
import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from pydantic_core import from_json as _parse

from services.store.values import Plain

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME, _FLOAT, _MAP = "$time", "$float", "$map"
_SCALARS = frozenset([str, int, float, bool, type(None)])
_parse_once = lru_cache(maxsize=4)(_parse)  # SQLite asks for a field of a text for each index

NULL, BOOLEAN, NUMBER, TIME, TEXT, LIST, MAP = (bytes([rank]) for rank in range(1, 8))
_NAN = bytes(10)
_ABOVE_NAN = NUMBER + bytes(9) + b"\1"
_END = b"\0"  # below every rank, so a shorter list or map sorts before its continuation


def to_json(fields: dict[str, Plain]) -> str:
    """JSON text; times and numbers that JSON lacks are maps with one key that begins with $.

    Equal fields of equal types have equal texts: names are in order.
    """
    return json.dumps(
        {name: _tagged(value) for name, value in fields.items()},
        ensure_ascii=False,
        allow_nan=False,
        sort_keys=True,
        separators=(",", ":"),
    )


def from_json(text: str) -> dict[str, Plain]:
    """The fields that `to_json` was given."""
    return from_members(_parse(text))


def from_members(members: dict[str, object]) -> dict[str, Plain]:
    """The fields that `to_json` was given, of its text as read by a JSON parser."""
    # No call for a scalar: streams spend most of their time here.
    return {
        name: value if type(value) in _SCALARS else _untagged(value)  # type: ignore[misc]
        for name, value in members.items()
    }


def _tagged(value: Plain) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: repr(value)}
    if isinstance(value, datetime):
        return {_TIME: value.isoformat(timespec="microseconds")}
    if isinstance(value, list):
        return [_tagged(item) for item in value]
    if isinstance(value, dict):
        inner = {name: _tagged(item) for name, item in value.items()}
        return {_MAP: inner} if any(name.startswith("$") for name in value) else inner
    return value


def _untagged(value: object) -> Plain:
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if not isinstance(value, dict):
        return value  # type: ignore[return-value]  # JSON has nothing else
    if len(value) == 1:
        if _TIME in value:
            return datetime.fromisoformat(value[_TIME])
        if _FLOAT in value:
            return float(value[_FLOAT])
    return from_members(_members(value))


def field_key(text: str, field: str) -> bytes | None:
    """The sort key of a dotted field of the document `text`, None where it lacks the field.

    Known to SQL under the same name.
    """
    value: object = {_MAP: _parse_once(text)}
    for name in field.split("."):
        members = _members(value)
        if name not in members:
            return None
        value = members[name]
    return sort_key(_untagged(value))


def _members(value: object) -> dict[str, object]:
    """The fields of a tagged value; none if it is not a map."""
    if not isinstance(value, dict) or value.keys() in ({_TIME}, {_FLOAT}):
        return {}
    members: dict[str, object] = value.get(_MAP, value)
    return members


def sort_key(value: Plain) -> bytes:
    """Bytes whose order is Firestore's order of values, and equal where Firestore's `==` holds."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN + bytes([value])
    if isinstance(value, int | float):
        return NUMBER + _number_key(value)
    if isinstance(value, datetime):
        return TIME + struct.pack(">Q", (value - _EPOCH) // _MICROSECOND + 2**63)
    if isinstance(value, str):
        return TEXT + _text_key(value)
    if isinstance(value, list):
        return LIST + b"".join(map(sort_key, value)) + _END
    return MAP + b"".join(_item_key(*item) for item in _by_name(value)) + _END


def range_of_type(key: bytes) -> tuple[bytes, bytes]:
    """The lowest sort key of a key's type that a range can hold, and one above all of them."""
    rank = key[:1]
    lowest = _ABOVE_NAN if rank == NUMBER else rank
    return lowest, bytes([key[0] + 1])


def _number_key(value: float) -> bytes:
    """Of integers and floats as one, exactly: the nearest float, then the integer's rest."""
    if value != value:  # NaN sorts first
        return _NAN
    nearest = float(value) + 0.0  # makes -0.0 equal to 0.0
    (bits,) = struct.unpack(">Q", struct.pack(">d", nearest))
    ordered = bits ^ (2**64 - 1) if bits >> 63 else bits | 2**63
    rest = value - int(nearest) if isinstance(value, int) else 0
    return struct.pack(">QH", ordered, rest + 2**15)


def _text_key(value: str) -> bytes:
    return value.encode().replace(b"\0", b"\0\xff") + b"\0\1"


def _item_key(name: str, value: Plain) -> bytes:
    return TEXT + _text_key(name) + sort_key(value)


def _by_name(value: dict[str, Plain]) -> list[tuple[str, Plain]]:
    return sorted(value.items(), key=lambda item: item[0].encode())
