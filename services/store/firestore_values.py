"""Fields, writes and documents as Firestore's own messages."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore_v1.types import Document as _Document
from google.cloud.firestore_v1.types import DocumentTransform
from google.cloud.firestore_v1.types import Write as _Write
from google.protobuf.timestamp_pb2 import Timestamp

from services.errors import Conflict
from services.store.contract import Create, Delete, Document, Update, Write
from services.store.server_time import split
from services.store.values import Plain, plain_fields

# The bare protobuf classes: the wrappers around them cost ten times as much per value.
DocumentMessage = _Document.pb()
WriteMessage = _Write.pb()

_REQUEST_TIME = DocumentTransform.FieldTransform.ServerValue.REQUEST_TIME
_SIMPLE_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def field_path(*names: str) -> str:
    """The names as one field path, each quoted where it needs it."""
    return ".".join(map(_quoted, names))


def _quoted(name: str) -> str:
    if _SIMPLE_NAME.fullmatch(name):
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def write_message(root: str, write: Write) -> Any:
    """`write` as a message; `root` is the database's name for all documents, with a slash."""
    message = WriteMessage()
    if isinstance(write, Delete):
        message.delete = root + write.path
        return message
    message.update.name = root + write.path
    known, timed = split(write.fields)
    fill_map(message.update.fields, plain_fields(write.path, known))
    for name in timed:
        message.update_transforms.add(
            field_path=field_path(name), set_to_server_value=_REQUEST_TIME
        )
    if isinstance(write, Create):
        message.current_document.exists = False
    elif isinstance(write, Update):
        message.update_mask.SetInParent()  # also when empty: without a mask all is replaced
        message.update_mask.field_paths.extend(field_path(name) for name in known)
        if write.version is None:
            message.current_document.exists = True
        else:
            message.current_document.update_time.CopyFrom(_update_time(write.path, write.version))
    return message


def require(message: Any, stored: Document | None) -> None:
    """Make a write conditional on its document being as it was read."""
    message.current_document.Clear()
    if stored is None:
        message.current_document.exists = False
    else:
        message.current_document.update_time.CopyFrom(_update_time(stored.path, stored.version))


def fill_map(target: Any, fields: Mapping[str, Plain]) -> None:
    """Put `fields` into a message's map of values."""
    for name, value in fields.items():
        fill_value(target[name], value)


def fill_value(target: Any, value: Plain) -> None:
    """Put `value` into a message's value."""
    if value is None:
        target.null_value = 0
    elif isinstance(value, bool):
        target.boolean_value = value
    elif isinstance(value, int):
        target.integer_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, datetime):
        target.timestamp_value.FromDatetime(value)
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for item in value:
            fill_value(target.array_value.values.add(), item)
    else:
        target.map_value.SetInParent()
        fill_map(target.map_value.fields, value)


def read_document(root: str, message: Any) -> Document:
    """The document of a message; times are UTC, its version is its update time."""
    fields = {name: _read_value(value) for name, value in message.fields.items()}
    return Document(message.name.removeprefix(root), fields, message.update_time.ToJsonString())


def _read_value(value: Any) -> Plain:
    kind = value.WhichOneof("value_type")
    if kind == "null_value":
        return None
    if kind == "timestamp_value":
        moment: datetime = value.timestamp_value.ToDatetime(tzinfo=UTC)
        return moment
    if kind == "array_value":
        return [_read_value(item) for item in value.array_value.values]
    if kind == "map_value":
        return {name: _read_value(item) for name, item in value.map_value.fields.items()}
    plain: Plain = getattr(value, kind)
    return plain


def _update_time(path: str, version: str) -> Timestamp:
    time = Timestamp()
    try:
        time.FromJsonString(version)
    except ValueError:
        raise Conflict(f"{path} never had the version {version!r}.") from None
    return time
