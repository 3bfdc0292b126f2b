"""The stream of news: who gets one, what it says first, and that it takes no thread of a server."""

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from redis import Redis
from werkzeug.serving import make_server

from services.market.cache import QuoteCache
from services.store.triggers import Trigger
from tests.support.market import make_quote
from tests.support.programs import PASSWORD, Running, serving
from tests.support.streams import Listener, open_stream
from tests.support.web import Site
from tests.web.conftest import Reader
from web.pages import live

SESSION = "session"


class Streams:
    """A server of the site in a thread, and streams from it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.open: list[Listener] = []

    def ask(self, reader: Reader, path: str, **headers: str) -> Listener:
        cookie = reader.client.get_cookie(SESSION)
        told = {"Cookie": f"{SESSION}={cookie.value}"} if cookie else {}
        self.open.append(open_stream(self.address, path, **told, **headers))
        return self.open[-1]


@pytest.fixture
def streams(site: Site) -> Iterator[Streams]:
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    found = Streams(f"http://127.0.0.1:{server.server_port}")
    yield found
    for listener in found.open:
        listener.close()
    server.shutdown()
    server.server_close()
    thread.join()
    with site.app.app_context():
        live.hub().close()


def rung(site: Site, reader: Reader, number: int = 1) -> Trigger:
    """A trigger of the reader's that pages were told of."""
    site.later(minutes=1)
    alert = reader.alert("price_rises_to", 100.0 - number, if_true="fire_now")
    (newest,), _ = site.services.triggers.page(reader.uid, limit=1)
    assert newest.alert_id == alert.id
    return newest


def test_a_stream_is_an_event_stream_that_nobody_keeps_or_buffers(
    ada: Reader, streams: Streams
) -> None:
    head = streams.ask(ada, "/live?symbols=AAPL").head
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    told = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    assert told["Content-Type"] == "text/event-stream; charset=utf-8"
    assert told["Cache-Control"] == "no-store"
    assert told["X-Accel-Buffering"] == "no"
    assert "default-src 'none'" in told["Content-Security-Policy"]
    assert not {"Content-Length", "Transfer-Encoding"} & told.keys()


def test_it_begins_with_the_present_quotes(ada: Reader, streams: Streams) -> None:
    quotes = streams.ask(ada, "/live?symbols=aapl,%20msft,AAPL").quotes()
    assert {symbol: quote["price"] for symbol, quote in quotes.items()} == {
        "AAPL": 100.0,
        "MSFT": 100.0,
    }


def test_a_quote_that_changes_is_told(ada: Reader, streams: Streams, site: Site) -> None:
    stream = streams.ask(ada, "/live?symbols=AAPL")
    stream.quotes()
    later = site.later(minutes=1)
    quote = make_quote(price=123.0, as_of=later, fetched_at=later, name="<b>Apple</b>\n\u202e")
    QuoteCache(site.services.redis).put({"AAPL": quote}, (), timedelta(minutes=5), later)
    told = stream.until_quote("AAPL", price=123.0)
    assert told["name"] == "<b>Apple</b>\n\u202e"


def test_a_new_trigger_is_told_to_its_owner_alone(
    ada: Reader, bob: Reader, streams: Streams, site: Site
) -> None:
    hers, his = streams.ask(ada, "/live"), streams.ask(bob, "/live?symbols=AAPL")
    hers.next("beat")
    his.next("quotes")
    trigger = rung(site, ada)
    event = hers.next("trigger")
    assert event.data["id"] == trigger.id
    assert event.data["symbol"] == "AAPL"
    assert event.id
    QuoteCache(site.services.redis).put({}, ["AAPL"], timedelta(minutes=5), site.at)
    passed = his.until(lambda event: "missing" in str(event.data))
    assert "trigger" not in {event.kind for event in passed}


@pytest.mark.parametrize("way", ["header", "address"])
def test_what_was_missed_is_told_after_a_drop(
    ada: Reader, streams: Streams, site: Site, way: str
) -> None:
    stream = streams.ask(ada, "/live")
    stream.next("beat")
    rung(site, ada, 1)
    last = stream.next("trigger").id
    assert last
    stream.close()
    missed = [rung(site, ada, number).id for number in (2, 3)]
    headers = {"Last_Event_ID": last} if way == "header" else {}
    path = "/live" if way == "header" else f"/live?after={last}"
    again = streams.ask(ada, path, **headers)
    assert [again.next("trigger").data["id"] for _ in missed] == missed


def test_who_is_new_is_told_nothing_old(ada: Reader, streams: Streams, site: Site) -> None:
    rung(site, ada, 1)
    stream = streams.ask(ada, "/live")
    stream.next("beat")
    newer = rung(site, ada, 2)
    assert stream.next("trigger").data["id"] == newer.id


def test_what_is_no_place_in_the_stream_is_passed_over(ada: Reader, streams: Streams) -> None:
    for text in ("0", "x-y", "1-1%20or%201", "9" * 99, "-1-0", "%E2%91%A0-1", "(1-0"):
        stream = streams.ask(ada, f"/live?after={text}", Last_Event_ID="nonsense")
        assert stream.next("beat").id == "0-0"
        stream.close()
        streams.open.clear()


def test_nobody_gets_a_stream_without_signing_in(anybody: Reader, streams: Streams) -> None:
    assert " 401 " in streams.ask(anybody, "/live?symbols=AAPL").head.split("\r\n")[0]


@pytest.mark.parametrize(
    "symbols",
    ["AA%0APL", "AAPL,%3Cscript%3E", "A" * 21, "A%00", ",".join(f"S{n}" for n in range(101))],
)
def test_what_are_no_symbols_or_too_many_are_refused(ada: Reader, symbols: str) -> None:
    assert ada.get(f"/live?symbols={symbols}").status_code == 400


@pytest.mark.parametrize("symbols", ["", ",,,", "AAPL,"])
def test_no_symbols_are_fine(ada: Reader, streams: Streams, symbols: str) -> None:
    assert streams.ask(ada, f"/live?symbols={symbols}").next("beat").data == 1


def test_a_hundred_symbols_are_fine(ada: Reader, streams: Streams) -> None:
    symbols = ",".join(f"S{number}" for number in range(100))
    assert len(streams.ask(ada, f"/live?symbols={symbols}").quotes()) == 100


def test_beyond_six_streams_a_person_is_asked_to_come_back_later(
    ada: Reader, bob: Reader, streams: Streams
) -> None:
    for _ in range(6):
        streams.ask(ada, "/live").next("beat")
    refused = streams.ask(ada, "/live").head
    assert refused.split(" ")[1] == "503"
    assert "\r\nRetry-After: " in refused
    streams.ask(bob, "/live").next("beat")


def test_a_server_that_gives_no_connection_away_says_come_back_later(ada: Reader) -> None:
    answer = ada.get("/live?symbols=AAPL")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    answers = {ada.get("/live").status_code for _ in range(8)}
    assert answers == {503}


def test_only_the_head_is_given_to_who_asks_for_that(ada: Reader) -> None:
    answer = ada.client.head("/live?symbols=AAPL")
    assert (answer.status_code, answer.data) == (200, b"")


def test_a_new_trigger_says_what_happened_and_how_many_are_unread(
    ada: Reader, bob: Reader, site: Site
) -> None:
    trigger = rung(site, ada)
    told = ada.get(f"/live/triggers/{trigger.id}")
    assert told.json["text"] == "AAPL rose to 99.00 USD"
    assert told.json["link"] == f"/triggers/{trigger.id}"
    assert isinstance(told.json["unread"], int)
    assert bob.get(f"/live/triggers/{trigger.id}").status_code == 404
    assert ada.get("/live/triggers/none%0a").status_code == 404


def test_nobody_is_told_what_happened_without_signing_in(anybody: Reader) -> None:
    assert anybody.get("/live/triggers/T-1").status_code == 401


# On gunicorn, as the site runs


@pytest.fixture
def gunicorn(redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Running]:
    with serving(tmp_path / "data", tmp_path / "log", REDIS_URL=redis_url) as running:
        yield running


def signed_in(server: Running, email: str) -> str:
    """The cookie of somebody who has just signed up and in."""
    server.sign_up(email)
    with requests.Session() as browser:
        page = browser.get(f"{server.address}/sign-in", timeout=30).text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        fields = {"csrf_token": token, "email": email, "password": PASSWORD}
        browser.post(f"{server.address}/sign-in", data=fields, timeout=30)
        return f"{SESSION}={browser.cookies[SESSION]}"


def put(redis: Redis, price: float) -> None:
    moment = datetime.now(UTC)
    quote = make_quote(price=price, as_of=moment, fetched_at=moment)
    QuoteCache(redis).put({"AAPL": quote}, (), timedelta(minutes=5), moment)


@pytest.mark.slow
def test_many_streams_take_no_threads_from_the_pages(gunicorn: Running, redis: Redis) -> None:
    put(redis, 100.0)
    cookies = [signed_in(gunicorn, f"p{number}@example.com") for number in range(4)]
    streams = [
        open_stream(gunicorn.address, "/live?symbols=AAPL", Cookie=cookie)
        for cookie in cookies
        for _ in range(5)
    ]
    assert [stream.quotes()["AAPL"]["price"] for stream in streams] == [100.0] * 20
    assert requests.get(f"{gunicorn.address}/health", timeout=5).ok
    put(redis, 101.0)
    assert [stream.quotes()["AAPL"]["price"] for stream in streams] == [101.0] * 20
    for stream in streams:
        stream.close()
    again = open_stream(gunicorn.address, "/live?symbols=AAPL", Cookie=cookies[0])
    assert again.quotes()["AAPL"]["price"] == 101.0
    again.close()


@pytest.mark.slow
def test_streams_end_with_the_server_and_do_not_hold_it_up(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", tmp_path / "log", REDIS_URL=redis_url) as running:
        cookie = signed_in(running, "ada@example.com")
        stream = open_stream(running.address, "/live?symbols=AAPL", Cookie=cookie)
        stream.next("beat")
        begun = datetime.now(UTC)
    assert datetime.now(UTC) - begun < timedelta(seconds=3.2)
    with suppress(ConnectionResetError):
        assert stream.has_ended()
    stream.close()
    assert not re.search('Traceback|ERROR|"error"', running.said)
