"""News of quotes for open pages: one message on a channel of Redis for each time that some are put
into the cache. Lost by who does not listen. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic_core import to_json

from services.market.models import Quote

QUOTES = "live:quotes"
Item: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class News:
    """An item, and its text, which is made once for all who read it."""

    item: Item
    text: bytes

    @classmethod
    def of(cls, item: Item) -> "News":
        return cls(item, json_of(item))

    @property
    def symbol(self) -> str:
        return str(self.item["symbol"])

    @property
    def fetched_at(self) -> str:
        """In ISO 8601; empty of what the source does not have."""
        return str(self.item.get("fetched_at", ""))

    def and_then(self, news: "News") -> "News":
        """Both together: a whole quote stands for itself, a part of one adds to what was."""
        return news if "price" in news.item else News.of({**self.item, **news.item})


def shown(quote: Quote, *, stale: bool = False) -> Item:
    """A quote as /api/v1/quotes gives it, but for its age."""
    fields = quote.model_dump(mode="json", exclude={"timezone"})
    return fields | {"change_percent": quote.change_percent, "stale": stale}


def seen_again(quote: Quote) -> Item:
    """What there is to say of a quote that is as it was."""
    fetched_at = quote.model_dump(mode="json", include={"fetched_at"})["fetched_at"]
    return {"symbol": quote.symbol, "fetched_at": fetched_at, "stale": False}


def quotes_message(items: Sequence[Item]) -> bytes:
    """The message of what was just put into the cache."""
    return json_of({"items": items})


def json_of(value: Mapping[str, object]) -> bytes:
    """On one line; what is no number is null, which browsers can read."""
    return to_json(value, inf_nan_mode="null")
