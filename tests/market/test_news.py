"""News of a symbol: from a stranger's answer to what a page may show."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from redis import Redis

from services.errors import RateLimited, SourceUnavailable
from services.market.absent import Absent
from services.market.backoff import Backoff
from services.market.news import (
    FRESH,
    LONGEST_TITLE,
    MOST,
    RETRY,
    NewsDesk,
    NewsItem,
    NoNews,
    chosen,
    item_of,
    news_into_cache,
)
from services.market.news_api import NewsApi
from services.market.news_yahoo import read_news
from services.market.yahoo import YahooProvider
from tests.support.http_peer import HttpPeer
from tests.support.market import (
    MONDAY,
    FixedProvider,
    HandmadeYahoo,
    RecordingJobs,
    loopback_session,
)
from workers.parts import open_news

LINK = "https://news.example/apple"


def item(title: str = "Apple rises", minutes_ago: float = 5, link: str = "") -> NewsItem:
    return NewsItem(
        title=title,
        link=link or f"{LINK}/{title}",
        source="Example",
        published_at=MONDAY - timedelta(minutes=minutes_ago),
    )


class Source:
    """A source that says what the test wrote into it."""

    def __init__(self, *items: NewsItem) -> None:
        self.items, self.error, self.asked = list(items), None, []

    def news(self, symbol: str, name: str, now: datetime) -> list[NewsItem]:
        self.asked.append((symbol, name))
        if self.error:
            raise self.error
        return self.items


# What may be shown


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example/x",
        "/local",
        "ftp://example.com/x",
        "https://",
        "https://user:word@example.com/",
        "https://exa mple.com/",
        "https://example.com/\u202egnp.exe",
        "https://[broken/",
        "https://example.com/" + "x" * 3_000,
        "",
        None,
        7,
    ],
)
def test_only_web_addresses_are_linked_to(link: object) -> None:
    assert item_of("Title", link, "Example", MONDAY) is None


@pytest.mark.parametrize("title", ["", "  \u0000 ", None, 5, ["x"], "\u202e\u200b"])
def test_what_has_no_title_is_left_out(title: object) -> None:
    assert item_of(title, LINK, "Example", MONDAY) is None


def test_a_title_is_one_bounded_line_without_control_characters() -> None:
    found = item_of("Apple\n\u202erises\x00 " + "very " * 500, LINK, "E" * 500, MONDAY)
    assert found
    assert found.title.startswith("Apple rises very")
    assert len(found.title) <= LONGEST_TITLE
    assert found.title.endswith("…")
    assert len(found.source) <= 60


def test_markup_stays_text() -> None:
    found = item_of("<b>Apple</b> & co", LINK, None, MONDAY)
    assert found
    assert (found.title, found.source) == ("<b>Apple</b> & co", "news.example")


def test_the_newest_come_first_each_once_and_not_too_many() -> None:
    many = [item(f"Title {at}", at) for at in range(50)]
    shown = chosen([*many, item("title 3", 0.5), item("Future", -5), item("Old", 100_000)], MONDAY)
    assert len(shown) == MOST
    assert [one.title for one in shown[:2]] == ["Title 0", "title 3"]
    assert "Title 3" not in [one.title for one in shown]


# The cache and the desk


def test_a_page_asks_a_worker_once_and_does_not_wait(redis: Redis) -> None:
    jobs = RecordingJobs()
    desk = NewsDesk(redis, jobs)
    assert desk.of("AAPL", "Apple Inc.", MONDAY) is Absent.PENDING
    assert desk.of("AAPL", "Apple Inc.", MONDAY) is Absent.PENDING
    assert jobs.news_asked == [("AAPL", "Apple Inc.")]


def test_what_a_worker_fetched_is_shown_and_fetched_again_when_it_is_old(redis: Redis) -> None:
    jobs, source = RecordingJobs(), Source(item())
    desk = NewsDesk(redis, jobs)
    assert news_into_cache(source, redis, "AAPL", "Apple Inc.", MONDAY) is None
    assert desk.of("AAPL", "Apple Inc.", MONDAY) == (item(),)
    assert jobs.news_asked == []
    assert desk.of("AAPL", "Apple Inc.", MONDAY + FRESH) == (item(),)
    assert jobs.news_asked == [("AAPL", "Apple Inc.")]


def test_that_there_is_no_news_is_kept_too(redis: Redis) -> None:
    jobs = RecordingJobs()
    news_into_cache(NoNews(), redis, "AAPL", "Apple Inc.", MONDAY)
    assert NewsDesk(redis, jobs).of("AAPL", "Apple Inc.", MONDAY) == ()
    assert jobs.news_asked == []


def test_a_source_that_fails_leaves_the_old_news_and_is_left_alone(redis: Redis) -> None:
    jobs, source = RecordingJobs(), Source(item())
    desk = NewsDesk(redis, jobs)
    news_into_cache(source, redis, "AAPL", "Apple Inc.", MONDAY)
    source.error = SourceUnavailable("down")
    later = MONDAY + FRESH
    assert news_into_cache(source, redis, "AAPL", "Apple Inc.", later) is source.error
    assert desk.of("AAPL", "Apple Inc.", later) == (item(),)
    assert jobs.news_asked == []
    desk.of("AAPL", "Apple Inc.", later + RETRY)
    assert len(jobs.news_asked) == 1


def test_a_source_that_never_answered_means_no_news(redis: Redis) -> None:
    source = Source()
    source.error = RateLimited("slow down")
    desk = NewsDesk(redis, RecordingJobs())
    desk.of("AAPL", "Apple Inc.", MONDAY)
    news_into_cache(source, redis, "AAPL", "Apple Inc.", MONDAY)
    assert desk.of("AAPL", "Apple Inc.", MONDAY) == ()


def test_what_another_version_kept_is_fetched_again(redis: Redis) -> None:
    redis.set("news:AAPL", '{"form": 7}')
    assert NewsDesk(redis, RecordingJobs()).of("AAPL", "Apple Inc.", MONDAY) is Absent.PENDING


# newsapi.org


def article(**fields: Any) -> dict[str, Any]:
    return {
        "source": {"id": None, "name": "Example Times"},
        "title": "Apple rises",
        "url": LINK,
        "publishedAt": "2026-03-02T14:55:00Z",
        "content": "…",
    } | fields


@pytest.fixture
def news_api(http_peer: HttpPeer) -> tuple[NewsApi, HttpPeer]:
    return NewsApi("the key", http_peer.url), http_peer


def answers(peer: HttpPeer, *articles: object) -> None:
    peer.answer = json.dumps({"status": "ok", "articles": list(articles)}).encode()


def test_the_api_is_asked_for_the_company_with_the_key_in_a_header(
    news_api: tuple[NewsApi, HttpPeer],
) -> None:
    api, peer = news_api
    answers(peer, article())
    found = api.news("AAPL", "Apple Inc.", MONDAY)
    assert found == [
        NewsItem(
            title="Apple rises",
            link=LINK,
            source="Example Times",
            published_at=datetime(2026, 3, 2, 14, 55, tzinfo=UTC),
        )
    ]
    asked = urlsplit(peer.got[0].path)
    assert asked.path == "/v2/everything"
    assert parse_qs(asked.query)["q"] == ['"Apple"']
    assert peer.got[0].headers["X-Api-Key"] == "the key"
    assert "key" not in asked.query


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("International Business Machines Corporation", "International Business Machines"),
        ("Amazon.com, Inc.", "Amazon.com"),
        ('The "Quoted" Co.', "The Quoted"),
        ("Inc.", "Inc."),
        ("", "AAPL"),
    ],
)
def test_a_company_is_asked_for_without_its_legal_form(
    news_api: tuple[NewsApi, HttpPeer], name: str, asked: str
) -> None:
    api, peer = news_api
    answers(peer)
    api.news("AAPL", name, MONDAY)
    assert parse_qs(urlsplit(peer.got[0].path).query)["q"] == [f'"{asked}"']


def test_odd_articles_spoil_no_others(news_api: tuple[NewsApi, HttpPeer]) -> None:
    api, peer = news_api
    odd = [
        None,
        7,
        [],
        {},
        article(url="javascript:alert(1)"),
        article(title=None),
        article(publishedAt="yesterday"),
        article(publishedAt="2026-03-02T14:55:00"),
        article(source=None, title="Kept"),
    ]
    answers(peer, *odd)
    assert [one.title for one in api.news("AAPL", "Apple", MONDAY)] == ["Kept"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, RateLimited),
        (401, SourceUnavailable),
        (500, SourceUnavailable),
        (302, SourceUnavailable),
    ],
)
def test_a_refusal_is_told(
    news_api: tuple[NewsApi, HttpPeer], status: int, error: type[Exception]
) -> None:
    api, peer = news_api
    peer.status = status
    peer.headers = {"Location": "https://elsewhere.example/"}
    with pytest.raises(error):
        api.news("AAPL", "Apple", MONDAY)
    assert len(peer.got) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"\xff\xfe", b"[" * 100_000, b"x" * 1_000_001],
    ids=["empty", "text", "bytes", "nested", "huge"],
)
def test_garbage_is_told_as_such(news_api: tuple[NewsApi, HttpPeer], body: bytes) -> None:
    api, peer = news_api
    peer.answer = body
    with pytest.raises(SourceUnavailable):
        api.news("AAPL", "Apple", MONDAY)


@pytest.mark.parametrize("body", ["null", "[]", '{"articles": 5}', "{}"])
def test_an_answer_without_articles_is_no_news(
    news_api: tuple[NewsApi, HttpPeer], body: str
) -> None:
    api, peer = news_api
    peer.answer = body.encode()
    assert api.news("AAPL", "Apple", MONDAY) == []


def test_an_api_that_is_not_there_is_told(news_api: tuple[NewsApi, HttpPeer]) -> None:
    with pytest.raises(SourceUnavailable, match=r"newsapi\.org did not answer"):
        NewsApi("the key", "http://127.0.0.1:9").news("AAPL", "Apple", MONDAY)


# Yahoo


def test_yahoo_s_news_are_read_from_its_search(
    handmade_yahoo: HandmadeYahoo, redis: Redis, tmp_path: Path
) -> None:
    handmade_yahoo.searches["AAPL"] = {
        "quotes": [],
        "news": [
            {
                "title": "Apple rises",
                "publisher": "Example",
                "link": LINK,
                "providerPublishTime": 1_772_463_000,
            },
            {"title": "No time", "publisher": "Example", "link": LINK},
            "odd",
        ],
    }
    provider = YahooProvider(
        Backoff(redis), loopback_session(handmade_yahoo.port), cache_folder=tmp_path
    )
    (found,) = provider.news("AAPL", "Apple Inc.", MONDAY)
    assert (found.title, found.source, found.link) == ("Apple rises", "Example", LINK)
    assert found.published_at == datetime.fromtimestamp(1_772_463_000, UTC)


def test_yahoo_s_recorded_news_can_be_shown(
    yahoo_session: Any, redis: Redis, tmp_path: Path
) -> None:
    provider = YahooProvider(Backoff(redis), yahoo_session, cache_folder=tmp_path)
    found = provider.news("AAPL", "Apple Inc.", MONDAY)
    assert found
    assert all(one.link.startswith("https://") and one.source for one in found)
    assert chosen(found, found[0].published_at + timedelta(days=1))


@pytest.mark.parametrize("answer", [None, [], "x", {"news": 5}, {"news": {"a": 1}}])
def test_an_answer_of_another_form_is_told(answer: object) -> None:
    with pytest.raises(SourceUnavailable):
        read_news(answer)


def test_an_answer_without_news_is_no_news() -> None:
    assert read_news({"quotes": []}) == []


@pytest.mark.parametrize("seconds", [None, True, "soon", -5, 1e20, float("nan")])
def test_an_odd_time_leaves_the_item_out(seconds: object) -> None:
    answer = {"news": [{"title": "x", "link": LINK, "providerPublishTime": seconds}]}
    assert read_news(answer) == []


# Which source


def test_a_key_chooses_newsapi_and_a_replay_has_no_news() -> None:
    with_key: Any = SimpleNamespace(news_api_key="key")
    without: Any = SimpleNamespace(news_api_key="")
    market = FixedProvider()
    assert isinstance(open_news(with_key, market), NewsApi)
    assert isinstance(open_news(without, market), NoNews)
    market.name = "replay"
    assert isinstance(open_news(with_key, market), NoNews)
