"""News from newsapi.org, by its key. For workers only: it asks over the network."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from services.errors import RateLimited, SourceUnavailable
from services.market.news import NewsItem, item_of

URL = "https://newsapi.org"
SECONDS = 5.0
MOST_BYTES = 1_000_000
_ASKED_FOR = 30
_DAYS = 14


class NewsApi:
    """A `NewsSource`. `url` is where it is, for tests; it keeps to English sources."""

    def __init__(self, key: str, url: str = URL, session: requests.Session | None = None) -> None:
        self._key = key
        self._url = url
        self._session = session or requests.Session()

    def news(self, symbol: str, name: str, now: datetime) -> list[NewsItem]:
        """Articles whose title names the company, or the symbol where it has no other name."""
        params = {
            "q": f'"{_company(name) or symbol}"',
            "searchIn": "title",
            "from": (now - timedelta(days=_DAYS)).date().isoformat(),
            "sortBy": "publishedAt",
            "language": "en",
            "pageSize": str(_ASKED_FOR),
        }
        return list(filter(None, map(_item, _articles(self._ask(params)))))

    def _ask(self, params: dict[str, str]) -> Any:
        try:
            with self._session.get(
                f"{self._url}/v2/everything",
                params=params,
                headers={"X-Api-Key": self._key},
                timeout=SECONDS,
                stream=True,
                allow_redirects=False,
            ) as answer:
                _check(answer.status_code)
                body = answer.raw.read(MOST_BYTES + 1, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise SourceUnavailable(f"newsapi.org did not answer ({type(error).__name__}).") from (
                error
            )
        if len(body) > MOST_BYTES:
            raise SourceUnavailable("newsapi.org's answer is too long.")
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise SourceUnavailable("newsapi.org's answer is not JSON.") from error


def _check(status: int) -> None:
    if status == 429:
        raise RateLimited("newsapi.org asked us to slow down.")
    if status in (401, 403):
        raise SourceUnavailable("newsapi.org refused the key: set NEWS_API_KEY anew.")
    if status != 200:
        raise SourceUnavailable(f"newsapi.org answered with status {status}.")


def _articles(answer: Any) -> list[Any]:
    articles = answer.get("articles") if isinstance(answer, dict) else None
    return articles[:_ASKED_FOR] if isinstance(articles, list) else []


def _item(article: Any) -> NewsItem | None:
    if not isinstance(article, dict):
        return None
    source = article.get("source")
    named = source.get("name") if isinstance(source, dict) else None
    when = _moment(article.get("publishedAt"))
    return item_of(article.get("title"), article.get("url"), named, when)


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment and moment.tzinfo else None


_LEGAL_FORMS = frozenset(
    {"inc", "corp", "corporation", "co", "company", "ltd", "plc", "llc", "lp", "sa", "ag", "se"}
    | {"nv", "ab", "asa", "oyj", "spa", "kgaa", "gmbh", "limited", "incorporated", "holdings"}
)


def _company(name: str) -> str:
    """A company's name as articles write it, without its legal form: `Apple Inc.` is Apple."""
    words = name.replace('"', " ").replace(",", " ").split()
    while len(words) > 1 and words[-1].strip(".()").casefold() in _LEGAL_FORMS:
        words.pop()
    return " ".join(words)[:60]
