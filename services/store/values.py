"""Which values a document can hold: Firestore's rules, on both engines."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from services.errors import InvalidValue
from services.store.contract import Fields, Value

Plain: TypeAlias = "bool | int | float | str | datetime | list[Plain] | dict[str, Plain] | None"

MAX_DOCUMENT_BYTES = 1_048_576
MAX_DEPTH = 20
MAX_FIELD_PATH_BYTES = 1_500


class _Place(NamedTuple):
    """Where in a document a value stands."""

    shown: str
    depth: int = 0
    path_bytes: int = 0

    def field(self, name: str) -> "_Place":
        return _Place(
            f"{self.shown}: {name}", self.depth + 1, self.path_bytes + len(name.encode()) + 1
        )

    def item(self, number: int) -> "_Place":
        return _Place(f"{self.shown}[{number}]", self.depth + 1, self.path_bytes)

    def refusal(self, reason: str) -> InvalidValue:
        shown = self.shown if len(self.shown) <= 200 else f"{self.shown[:197]}..."
        return InvalidValue(f"{shown} {reason}.")


def plain_fields(path: str, fields: Fields) -> dict[str, Plain]:
    """A copy of `fields` in plain types and UTC, or InvalidValue if `path` cannot hold them."""
    result = _map(fields, _Place(path))
    size = len(path.encode()) + 32 + _size(result)
    if size > MAX_DOCUMENT_BYTES:
        raise InvalidValue(f"{path} would have {size} bytes; the limit is {MAX_DOCUMENT_BYTES}.")
    return result


def plain_value(value: Value, where: str) -> Plain:
    """A copy of `value` in plain types and UTC, or InvalidValue that names `where`."""
    return _plain(value, _Place(where, 1))


def _plain(value: Value, place: _Place) -> Plain:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return _integer(value, place)
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, datetime):
        return _moment(value, place)
    if isinstance(value, Mapping):
        return _map(value, place)
    if isinstance(value, list | tuple):
        return _list(value, place)
    raise place.refusal(f"is a {type(value).__name__}, which the store cannot keep")


def _integer(value: int, place: _Place) -> int:
    if not -(2**63) <= value < 2**63:
        raise place.refusal("is an integer beyond 64 bits")
    return int(value)


def _text(value: str, place: _Place) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise place.refusal("is not valid Unicode") from None
    return str.__str__(value)


def _moment(value: datetime, place: _Place) -> datetime:
    if value.tzinfo is None:
        raise place.refusal("is a time without a time zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise place.refusal("is a time outside the years 1 to 9999") from None


def _map(value: Mapping[str, Value], place: _Place) -> dict[str, Plain]:
    _check_depth(place)
    result: dict[str, Plain] = {}
    for name, item in value.items():
        text = _name(name, place)
        if item is None or isinstance(item, bool | float):
            result[text] = item  # never refused, so its place need not be named: that costs most
        else:
            result[text] = _plain(item, place.field(text))
    return result


def _list(value: Sequence[Value], place: _Place) -> list[Plain]:
    _check_depth(place)
    result = []
    for number, item in enumerate(value):
        if isinstance(item, list | tuple):
            raise place.refusal("is a list directly in a list, which Firestore refuses")
        result.append(_plain(item, place.item(number)))
    return result


def _check_depth(place: _Place) -> None:
    if place.depth > MAX_DEPTH:
        raise place.refusal(f"is nested deeper than {MAX_DEPTH} levels")


def _name(name: object, place: _Place) -> str:
    if not isinstance(name, str):
        raise place.refusal(f"has a field name that is a {type(name).__name__}")
    text = _text(name, place)
    if not text:
        raise place.refusal("has a field name that is empty")
    if place.path_bytes + len(text.encode()) + 1 > MAX_FIELD_PATH_BYTES:
        raise place.refusal(f"has field names longer than {MAX_FIELD_PATH_BYTES} bytes together")
    if text.startswith("__") and text.endswith("__"):
        raise place.refusal(f"has a field name that is reserved: {text}")
    return text


def _size(value: Plain) -> int:
    """Bytes as Firestore counts them: https://firebase.google.com/docs/firestore/storage-size"""
    if isinstance(value, str):
        return len(value.encode()) + 1
    if isinstance(value, dict):
        return sum(len(name.encode()) + 1 + _size(item) for name, item in value.items())
    if isinstance(value, list):
        return sum(map(_size, value))
    return 1 if value is None or isinstance(value, bool) else 8
