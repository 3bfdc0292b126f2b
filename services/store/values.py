"""Which values a document can hold: Firestore's rules, on both engines."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from services.errors import InvalidValue
from services.store.contract import Fields, Value

Plain: TypeAlias = "bool | int | float | str | datetime | list[Plain] | dict[str, Plain] | None"

MAX_DOCUMENT_BYTES = 1_048_576
MAX_DEPTH = 20
MAX_NAME_BYTES = 1_500


def plain_fields(path: str, fields: Fields) -> dict[str, Plain]:
    """A copy of `fields` in plain types and UTC, or InvalidValue if `path` cannot hold them."""
    result = _map(fields, path, 0)
    size = len(path.encode()) + 32 + _size(result)
    if size > MAX_DOCUMENT_BYTES:
        raise InvalidValue(f"{path} would have {size} bytes; the limit is {MAX_DOCUMENT_BYTES}.")
    return result


def plain_value(value: Value, where: str, depth: int = 1) -> Plain:
    """A copy of `value` in plain types and UTC, or InvalidValue that names `where`."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return _integer(value, where)
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, datetime):
        return _moment(value, where)
    if isinstance(value, Mapping):
        return _map(value, where, depth)
    if isinstance(value, list | tuple):
        return _list(value, where, depth)
    raise InvalidValue(f"{where} is a {type(value).__name__}, which the store cannot keep.")


def _integer(value: int, where: str) -> int:
    if not -(2**63) <= value < 2**63:
        raise InvalidValue(f"{where} is an integer beyond 64 bits.")
    return int(value)


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"{where} is not valid Unicode.") from None
    return str.__str__(value)


def _moment(value: datetime, where: str) -> datetime:
    if value.tzinfo is None:
        raise InvalidValue(f"{where} is a time without a time zone.")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidValue(f"{where} is a time outside the years 1 to 9999.") from None


def _map(value: Mapping[str, Value], where: str, depth: int) -> dict[str, Plain]:
    _check_depth(where, depth)
    result = {}
    for name, item in value.items():
        _check_name(name, where)
        result[str.__str__(name)] = plain_value(item, f"{where}: {name}", depth + 1)
    return result


def _list(value: Sequence[Value], where: str, depth: int) -> list[Plain]:
    _check_depth(where, depth)
    result = []
    for number, item in enumerate(value):
        if isinstance(item, list | tuple):
            raise InvalidValue(f"{where} is a list directly in a list, which Firestore refuses.")
        result.append(plain_value(item, f"{where}[{number}]", depth + 1))
    return result


def _check_depth(where: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidValue(f"{where[:200]} is nested deeper than {MAX_DEPTH} levels.")


def _check_name(name: object, where: str) -> None:
    if not isinstance(name, str):
        raise InvalidValue(f"{where} has a field name that is a {type(name).__name__}.")
    size = len(_text(name, f"A field name of {where}").encode())
    if not 0 < size <= MAX_NAME_BYTES:
        raise InvalidValue(
            f"{where} has a field name that is empty or over {MAX_NAME_BYTES} bytes."
        )
    if name.startswith("__") and name.endswith("__"):
        raise InvalidValue(f"{where} has a field name that is reserved: {name}.")


def _size(value: Plain) -> int:
    """Bytes as Firestore counts them: https://firebase.google.com/docs/firestore/storage-size"""
    if isinstance(value, str):
        return len(value.encode()) + 1
    if isinstance(value, dict):
        return sum(len(name.encode()) + 1 + _size(item) for name, item in value.items())
    if isinstance(value, list):
        return sum(map(_size, value))
    return 1 if value is None or isinstance(value, bool) else 8
