"""Yahoo's news of a symbol: what its search tells beside the matches. Pure."""

from datetime import UTC, datetime
from typing import Any

from services.errors import SourceUnavailable
from services.market.news import NewsItem, item_of

ASKED_FOR = 12
_LAST_TIME = 4_102_444_800  # the year 2100


def params_for(symbol: str) -> dict[str, str]:
    """What to ask the search for."""
    return {
        "q": symbol,
        "quotesCount": "0",
        "newsCount": str(ASKED_FOR),
        "listsCount": "0",
        "recommendedCount": "0",
        "enableCb": "false",
    }


def read_news(answer: object) -> list[NewsItem]:
    """The items that can be shown. Raises SourceUnavailable if it is no answer of the search."""
    if not isinstance(answer, dict) or not isinstance(answer.get("news", []), list):
        raise SourceUnavailable("Yahoo's answer has another form (news).")
    return list(filter(None, map(_item, answer.get("news", [])[:ASKED_FOR])))


def _item(found: Any) -> NewsItem | None:
    if not isinstance(found, dict):
        return None
    moment = _moment(found.get("providerPublishTime"))
    return item_of(found.get("title"), found.get("link"), found.get("publisher"), moment)


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _LAST_TIME else None
