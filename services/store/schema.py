"""Of which schema the documents are: `system/schema`, and walking through them to change it."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from services.errors import AlreadyExists, Conflict
from services.store.contract import Create, Cursor, Document, Query, Set, Store, Update, Write

PATH = "system/schema"
PAGE = 400


class SchemaState(BaseModel):
    """`version` is the number of the last migration that is done, 0 for none. While one runs,
    `running` is its number, `after` the path up to which it has come, `changed` how many
    documents it has changed, and `at` when it last came on (UTC)."""

    model_config = ConfigDict(frozen=True)

    version: int = 0
    running: int | None = None
    after: str | None = None
    changed: int = 0
    at: datetime | None = None


class Schema:
    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self) -> tuple[SchemaState, str | None]:
        """The state, and the version of its document, None where there is none."""
        document = self._store.get(PATH)
        if document is None:
            return SchemaState(), None
        return SchemaState.model_validate(document.fields), document.version

    def is_new(self) -> bool:
        """Whether nobody has an account yet, so that there is nothing to migrate."""
        return next(self._store.query(Query("users", limit=1)), None) is None

    def stamp(self, version: int) -> None:
        """Note that all documents are of that version."""
        self._store.write(Set(PATH, SchemaState(version=version).model_dump()))

    def page(self, group: str, after: str | None) -> list[Document]:
        """The next PAGE documents of a collection group, by path."""
        cursor = Cursor((), after) if after else None
        return list(self._store.query(Query(group, group=True, limit=PAGE, after=cursor)))

    def come_on(self, state: SchemaState, seen: str | None, writes: list[Write]) -> None:
        """Apply `writes` and note `state` in one commit, if the noted state is still the one of
        version `seen` and no document was changed meanwhile. Raises Conflict."""
        fields = state.model_dump()
        note = Create(PATH, fields) if seen is None else Update(PATH, fields, version=seen)
        try:
            self._store.write(note, *writes)
        except AlreadyExists as error:
            raise Conflict("Another process has noted a schema first.") from error

    def require_same(self, seen: str | None) -> None:
        """Raises Conflict where another process has noted a state since."""
        if self.read()[1] != seen:
            raise Conflict("Another migration of these documents is running. Let it end.")
