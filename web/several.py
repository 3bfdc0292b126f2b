"""Several symbols in one line of text: `AAPL, MSFT nvda`. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from services.market.models import normal_symbol

MOST = 50
_BETWEEN = re.compile(r"[\s,;]+")
_COMMA = re.compile(r"[,;\n\t]")
_LONGEST_ODD = 40


@dataclass(frozen=True, slots=True)
class Several:
    """What may be symbols, each once; what stands among them and is none; and whether commas or
    capitals say that it is a list, and no company of several words."""

    symbols: tuple[str, ...]
    odd: tuple[str, ...]
    is_list: bool

    @classmethod
    def of(cls, text: str) -> "Several | None":
        """None where the text cannot name several symbols."""
        parts = [part for part in _BETWEEN.split(text.strip()) if part][: 2 * MOST]
        symbols = tuple(dict.fromkeys(part.upper() for part in parts if _is_symbol(part)))[:MOST]
        odd = tuple(part[:_LONGEST_ODD] for part in parts if not _is_symbol(part))
        has_commas = bool(_COMMA.search(text.strip().strip(",;")))
        if len(parts) < 2 or not symbols or (odd and not has_commas):
            return None
        return cls(symbols, odd, has_commas or text == text.upper())

    def is_meant(self, unknown: Collection[str]) -> bool:
        """Whether symbols were meant, now that it is known which of them there are not."""
        if not unknown:
            return True
        mostly_known = 2 * len(unknown) < len(self.symbols)
        return mostly_known or (self.is_list and self.symbols[0] not in unknown)


def _is_symbol(text: str) -> bool:
    try:
        normal_symbol(text)
    except ValueError:
        return False
    return True
