"""How much one person, or one address, may ask in all."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis, RedisError

from local.redis import find_redis_server
from services.redis_client import open_redis
from services.store.contract import Store
from tests.support.redis_server import free_port
from tests.support.web import Site, make_site
from tests.web.conftest import Reader, signed_in, words
from web.limits import limiter

LIST = "/watchlists/default"


@pytest.fixture
def strict(chosen_store: Store, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    """A site that takes 12 requests a minute."""
    yield make_site(chosen_store, redis, redis_url, tmp_path, rate_limit="12 per minute")
    limiter._storage_dead = False


@contextmanager
def own_redis(folder: Path, port: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server that the test may kill."""
    command = [find_redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    ends = time.monotonic() + 10
    while not _answers(url):
        assert time.monotonic() < ends
        time.sleep(0.02)
    try:
        yield server, url
    finally:
        server.kill()
        server.wait()


def _answers(url: str) -> bool:
    try:
        return bool(open_redis(url).ping())
    except RedisError:
        return False


def asked(reader: Reader, path: str, times: int, **options: object) -> list[int]:
    return [reader.get(path, **options).status_code for _ in range(times)]


def test_who_asks_more_than_the_limit_is_told_in_words_when_to_come_back(strict: Site) -> None:
    reader = Reader(strict, strict.app.test_client())
    assert asked(reader, "/sign-in", 13) == [200] * 12 + [429]
    answer = reader.get("/sign-up")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "Try again in" in words(answer)


def test_programs_are_told_so_by_a_problem_document(strict: Site) -> None:
    person = strict.person()
    answers = [person.get("/alerts") for _ in range(14)]
    last = answers[-1]
    assert last.status_code == 429
    assert last.json is not None
    assert last.json["status"] == 429
    assert 1 <= int(last.headers["Retry-After"]) <= 60


def test_people_behind_one_address_do_not_use_up_each_other_s_requests(strict: Site) -> None:
    ada, bob = (signed_in(strict, f"{name}@example.com") for name in ("ada", "bob"))
    assert asked(ada, LIST, 13)[-1] == 429
    assert bob.get(LIST).status_code == 200


def test_a_person_s_limit_is_one_for_all_browsers_and_programs(strict: Site) -> None:
    person = strict.person()
    person.get("/alerts")  # from then on its token is known
    browser = strict.browser(person).client
    assert [browser.get("/account").status_code for _ in range(12)][-1] == 200
    assert person.get("/alerts").status_code == 429


def test_guessed_tokens_are_counted_for_the_address_not_for_whom_they_name(strict: Site) -> None:
    person = strict.person()
    guess = f"bw.{person.uid}." + "x" * 43
    client = strict.app.test_client()
    answers = [
        client.get("/api/v1/alerts", headers={"Authorization": f"Bearer {guess}"}).status_code
        for _ in range(13)
    ]
    assert answers == [401] * 12 + [429]
    assert strict.browser(person).client.get("/account").status_code == 200


def test_a_token_that_has_ended_uses_up_nothing_of_its_owner_s(strict: Site) -> None:
    person = strict.person()
    person.get("/alerts")
    strict.services.accounts.change_password(person.uid, person.password, "a newer password")
    assert person.get("/alerts").status_code == 401
    assert strict.services.accounts.by_known_token(person.token) is None


@pytest.mark.parametrize("path", ["/health", "/favicon.ico", "/api/v1/openapi.json"])
def test_what_says_the_same_to_everybody_is_not_counted(strict: Site, path: str) -> None:
    reader = Reader(strict, strict.app.test_client())
    assert set(asked(reader, path, 20)) == {200}
    assert reader.get("/sign-in").status_code == 200


def test_what_scripts_ask_while_somebody_types_is_counted_apart(strict: Site) -> None:
    ada = signed_in(strict, "ada@example.com")
    assert set(asked(ada, "/api/v1/symbols?q=apple", 20)) == {200}
    assert ada.get(LIST).status_code == 200
    assert asked(ada, "/api/v1/symbols?q=apple", 110)[-1] == 429


def test_all_addresses_of_one_ipv6_network_are_one(strict: Site) -> None:
    client = strict.app.test_client()
    answers = [
        client.get(
            "/sign-in", environ_overrides={"REMOTE_ADDR": f"2001:db8::{number:x}"}
        ).status_code
        for number in range(13)
    ]
    assert answers[-1] == 429
    other = client.get("/sign-in", environ_overrides={"REMOTE_ADDR": "2001:db8:0:1::1"})
    assert other.status_code == 200


def test_counting_a_page_asks_redis_once(ada: Reader, site: Site) -> None:
    ada.get(LIST)
    redis, scripts = site.services.redis, ("cmdstat_incrby", "cmdstat_ttl")
    before = redis.info("commandstats")
    ada.get(LIST)
    after = redis.info("commandstats")
    grown = {
        name: after.get(name, {"calls": 0})["calls"] - before.get(name, {"calls": 0})["calls"]
        for name in scripts
    }
    assert grown == {"cmdstat_incrby": 1, "cmdstat_ttl": 0}


@pytest.mark.slow
def test_limits_hold_in_memory_while_redis_is_away_and_in_redis_again_afterwards(
    chosen_store: Store, tmp_path: Path
) -> None:
    port = free_port()
    with own_redis(tmp_path, port) as (server, url):
        site = make_site(chosen_store, open_redis(url), url, tmp_path, rate_limit="4 per minute")
        views = site.app.test_client()
        server.kill()
        server.wait()
        assert [views.get("/robots.txt").status_code for _ in range(5)] == [200] * 4 + [429]
        links = [views.get("/mail/pause/x").status_code for _ in range(301)]
        assert links[0] == 410
        assert links[-1] == 429
        assert views.get("/health").status_code == 200
    with own_redis(tmp_path, port) as (_, url):
        ends = time.monotonic() + 30
        while not open_redis(url).keys("LIMITS:*"):
            assert time.monotonic() < ends
            views.get("/robots.txt")
            time.sleep(0.1)
    limiter._storage_dead = False
