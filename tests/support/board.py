"""A market whose prices stand on a board, a file that tests write and worker processes read.

`python -m tests.support.board` is a worker on it. Without the file the source does not answer.
"""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.container import Services
from services.errors import SourceUnavailable
from services.market.models import Quote
from services.market.provider import Provider
from tests.support.market import FixedProvider, make_quote

BOARD = "board.json"
OPENING_PRICE = 100.0


class Board:
    """What tests do to the market of the workers with this data folder."""

    def __init__(self, data: Path) -> None:
        self._file = data / BOARD
        self._prices: dict[str, float] = {}

    def trade(self, symbol: str, price: float) -> None:
        """`symbol` trades at `price` from now on; all else at OPENING_PRICE."""
        self._prices[symbol] = price
        self.answer()

    def answer(self) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(self._prices))
        draft.replace(self._file)

    def fall_silent(self) -> None:
        self._file.unlink(missing_ok=True)


class BoardProvider(FixedProvider):
    """Reads the board at each question; trades day and night, as cryptocurrencies do."""

    def __init__(self, data: Path) -> None:
        super().__init__(name="board")
        self._file = data / BOARD

    def quotes(self, symbols: Sequence[str], now: datetime) -> dict[str, Quote]:
        prices = self._prices()
        return {symbol: _quote(symbol, prices.get(symbol, OPENING_PRICE), now)
                for symbol in symbols}  # fmt: skip

    def _answer(self, what: str, about: Any) -> None:
        self._prices()

    def _prices(self) -> dict[str, float]:
        try:
            found: dict[str, float] = json.loads(self._file.read_text())
        except FileNotFoundError:
            raise SourceUnavailable("The source of prices does not answer.") from None
        return found


def _quote(symbol: str, price: float, now: datetime) -> Quote:
    return make_quote(
        symbol,
        price,
        day_high=max(price, OPENING_PRICE),
        day_low=min(price, OPENING_PRICE),
        exchange="CCC",
        timezone="UTC",
        as_of=now.astimezone(UTC),
        fetched_at=now,
        source="board",
    )


def _open_board(services: Services) -> Provider:
    return BoardProvider(services.settings.data)


if __name__ == "__main__":
    from workers import parts
    from workers.__main__ import main

    parts.open_provider = _open_board
    sys.exit(main([]))
