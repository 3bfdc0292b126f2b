"""What a backup holds, told in a file that is written last: without it there is no backup."""

import re
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.errors import BackupError
from services.store.transfer.archive import SCHEMA

FORMAT = 1
"""Version of the form of a backup's files."""
FILE = "manifest.json"
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{6}Z")
_NAMED_AFTER = "%Y-%m-%dT%H-%M-%S.%fZ"
_UNVERSIONED = "0.1.0"
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Number = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """One file of documents: `bytes` and `sha256` are of the file, `digest` of its documents in
    their order, `last` is the path of the last one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^part-\d{5}\.jsonl\.gz$")
    documents: _Number
    bytes: _Number
    sha256: _Sha256
    digest: _Sha256
    last: str


class Manifest(BaseModel):
    """All documents of `source` as they were at `read_time`; `collections` counts them by the
    collections' names, those below others as `users/alerts`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    format: int = FORMAT
    schema_: int = Field(SCHEMA, alias="schema")
    bellwether: str
    source: str
    read_time: datetime
    seconds: float
    documents: _Number
    digest: _Sha256
    collections: dict[str, int]
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        return name_of(self.read_time)

    @property
    def stored_bytes(self) -> int:
        return sum(part.bytes for part in self.parts)

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True, indent=1).encode() + b"\n"


def read_manifest(content: bytes, name: str) -> Manifest:
    """The manifest of the backup `name`. Raises BackupError where it is damaged or newer."""
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise BackupError(
            f"{name}/{FILE} is damaged or of a newer Bellwether ({where} {fault['msg']})."
            " Take another backup, or install the Bellwether that wrote it."
        ) from None
    if manifest.format > FORMAT or manifest.schema_ > SCHEMA:
        raise BackupError(
            f"The backup {name} was made by Bellwether {manifest.bellwether} (format"
            f" {manifest.format}, schema {manifest.schema_}; this one reads {FORMAT} and {SCHEMA})."
            " Install that version."
        )
    if manifest.name != name or manifest.documents != sum(p.documents for p in manifest.parts):
        raise BackupError(f"{name}/{FILE} is damaged: it contradicts itself. Take another backup.")
    return manifest


def name_of(read_time: datetime) -> str:
    """What a backup of that moment is called: names sort by time."""
    return f"{read_time.astimezone(UTC):{_NAMED_AFTER}}"


def time_of(name: str) -> datetime | None:
    """The moment of a backup of that name; None for anything else."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return datetime.strptime(name, _NAMED_AFTER).replace(tzinfo=UTC)
    except ValueError:
        return None


def collection_of(path: str) -> str:
    """The names of the collections that lead to a document: `users/alerts`."""
    return "/".join(path.split("/")[::2])


def bellwether_version() -> str:
    """The version that runs; from a checkout that is not installed, the one it will be."""
    try:
        return version("bellwether")
    except PackageNotFoundError:
        return _UNVERSIONED
