"""Bodies that nobody should send."""

import json

import pytest

from tests.support.web import Person

ALERT = '{"symbol": "AAPL", "condition": {"kind": "price_falls_to", "level": %s}}'


def send(person: Person, path: str, body: bytes | str, kind: str = "application/json"):
    return person.post(path, data=body, content_type=kind)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"name": "a",}',
        b"{'name': 'a'}",
        b'{"name": "\xff\xfe"}',
        '{"name": "a"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"name": "a"}',
        b'{"name": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"name": "a", "name": "b"}',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": -Infinity}',
        b"[" * 100_000,
        b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
        b"1" * 10_000,
    ],
)
def test_what_is_not_plain_json_is_a_bad_request(person: Person, body: bytes):
    answer = send(person, "/watchlists", body)
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("body", ["null", "true", "7", '"name"', "[]", '[{"name": "a"}]'])
def test_json_that_is_no_object_does_not_fit(person: Person, body: str):
    answer = send(person, "/watchlists", body)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json["errors"]] == ["body"]


@pytest.mark.parametrize(
    ("level", "status"),
    [
        ("40", 201),
        ("4e1", 201),
        ("40.25", 201),
        ('"40"', 422),
        ("true", 422),
        ("null", 422),
        ("[40]", 422),
        ("1e400", 422),
        ("-1e400", 422),
        ("1e13", 422),
        ("0", 422),
        ("-1", 422),
        ("-0.0", 422),
        ("9" * 400, 422),
        ("NaN", 400),
        ("Infinity", 400),
        ("1" * 5_000, 400),
    ],
)
def test_a_level_is_a_finite_json_number(person: Person, level: str, status: int):
    answer = send(person, "/alerts", ALERT % level)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert [fault["field"] for fault in answer.json["errors"]] == ["condition.level"]


def test_other_kinds_of_json_are_json(person: Person):
    kind = "application/merge-patch+json; charset=utf-8"
    assert send(person, "/watchlists", b'{"name": "Own"}', kind).status_code == 201


@pytest.mark.parametrize(
    "text", ["\u00fcbersee", "\u65e5\u672c\u682a", "\U0001f514 bells", "\u202eright to left"]
)
def test_text_of_any_script_comes_back_as_it_was_sent(person: Person, text: str):
    for ascii_only in (True, False):
        body = json.dumps({"name": text}, ensure_ascii=ascii_only).encode()
        made = send(person, "/watchlists", body)
        assert made.status_code == 201
        assert made.json["name"] == text
        assert person.get(f"/watchlists/{made.json['id']}").json["name"] == text


@pytest.mark.parametrize("name", ["a\x00b", "two\nlines", "\x1b[31m", "", "   ", "x" * 61])
def test_a_name_is_one_line_of_1_to_60_characters(person: Person, name: str):
    answer = person.post("/watchlists", {"name": name})
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json["errors"]] == ["name"]
