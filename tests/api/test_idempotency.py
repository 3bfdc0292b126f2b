"""The header Idempotency-Key: what is asked twice is done once."""

import hashlib

import pytest
from werkzeug.test import TestResponse

from tests.support.web import Person, Site

DRAFT = {"symbol": "AAPL", "condition": {"kind": "price_falls_to", "level": 40}}


def send(person: Person, key: str, path: str = "/alerts", **changes: object) -> TestResponse:
    return person.post(path, {**DRAFT, **changes}, headers={"Idempotency-Key": key})


def count(person: Person) -> int:
    return len(person.get("/alerts").json["items"])


def test_the_same_request_under_one_key_sets_one_alert(site: Site, person: Person):
    first = send(person, '"k-1"')
    site.later(hours=23)
    again = send(person, '"k-1"')
    assert again.status_code == first.status_code == 201
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert count(person) == 1


def test_a_key_may_be_written_without_quotes(person: Person):
    assert send(person, "k-1").json == send(person, '"k-1"').json


def test_another_body_under_the_key_is_refused(person: Person):
    send(person, '"k-1"')
    refused = send(person, '"k-1"', note="other")
    assert refused.status_code == 422
    assert refused.json["type"] == "tag:bellwether,2026:key-taken"
    assert count(person) == 1


def test_another_address_under_the_key_is_refused(person: Person):
    headers = {"Idempotency-Key": '"k-1"'}
    send(person, '"k-1"')
    assert person.post("/watchlists", {"name": "Tech"}, headers=headers).status_code == 422


def test_while_the_first_request_runs_the_second_is_told_to_wait(site: Site, person: Person):
    send(person, '"k-1"')
    (name,) = site.services.redis.keys("idempotency:*")
    digest = hashlib.sha256(b"k-1").hexdigest()
    assert name.decode() == f"idempotency:{person.uid}:{digest}"
    done = site.services.redis.get(name)
    running = b'{"request":' + done.split(b":")[1].split(b",")[0] + b"}"
    site.services.redis.set(name, running)
    refused = send(person, '"k-1"')
    assert refused.status_code == 409
    assert refused.json["type"] == "tag:bellwether,2026:key-in-use"
    assert refused.headers["Retry-After"] == "1"


def test_answers_are_kept_for_a_day(site: Site, person: Person):
    send(person, '"k-1"')
    (name,) = site.services.redis.keys("idempotency:*")
    assert 86_000 < site.services.redis.ttl(name) <= 86_400


def test_a_refused_request_may_be_mended_under_the_same_key(person: Person):
    reached = {"kind": "price_falls_to", "level": 100}
    assert send(person, '"k-1"', condition=reached).status_code == 409
    assert send(person, '"k-1"', condition=reached, if_true="wait").status_code == 201
    assert count(person) == 1


def test_keys_of_two_people_are_apart(person: Person, stranger: Person):
    send(person, '"k-1"')
    assert send(stranger, '"k-1"', note="mine").status_code == 201


@pytest.mark.parametrize("key", ["", '""', "k" * 256, '"' + "k" * 256 + '"', '"a', "schlüssel"])
def test_a_key_that_is_none_is_refused(person: Person, key: str):
    assert send(person, key).status_code == 400
    assert count(person) == 0


def test_lists_and_symbols_are_made_once_too(person: Person):
    headers = {"Idempotency-Key": '"k-2"'}
    made = [person.post("/watchlists", {"name": "Tech"}, headers=headers) for _ in range(2)]
    assert made[0].json == made[1].json
    path = f"/watchlists/{made[0].json['id']}/symbols"
    headers = {"Idempotency-Key": '"k-3"'}
    added = [person.post(path, {"symbol": "AAPL"}, headers=headers) for _ in range(2)]
    assert added[0].json == added[1].json
    assert added[1].status_code == 201
