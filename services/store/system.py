"""What the system itself must remember: `system/checker`, the last completed check."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from services.store.contract import Set, Store


class CheckerState(BaseModel):
    """When the armed alerts of one market were last checked (our time, UTC).

    `behind` names the symbols that this check could not see, and when they last were seen.
    """

    model_config = ConfigDict(frozen=True)

    completed_at: datetime | None = None
    behind: dict[str, datetime | None] = {}

    def checked_until(self, symbol: str) -> datetime | None:
        """The time up to which this symbol's alerts were checked, None if never."""
        return self.behind.get(symbol, self.completed_at)


class System:
    def __init__(self, store: Store) -> None:
        self._store = store

    def checker(self, market: str) -> CheckerState:
        document = self._store.get(_path(market))
        return CheckerState.model_validate(document.fields) if document else CheckerState()

    def save_checker(self, market: str, state: CheckerState) -> None:
        self._store.write(Set(_path(market), state.model_dump()))


def _path(market: str) -> str:
    return "system/checker" if market == "yahoo" else f"system/checker-{market}"
