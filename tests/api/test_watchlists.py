"""Lists: made, read, changed, deleted; one person's are nobody else's."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from services.store.watchlists import MAX_LISTS
from services.watching import DEFAULT_NAME, ensure_default
from tests.support.web import Person, Site


def names(person: Person) -> list[str]:
    return [found["name"] for found in person.get("/watchlists").json["items"]]


def made(person: Person, name: str = "Own") -> dict:
    answer = person.post("/watchlists", {"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json


def test_the_first_look_makes_a_first_list(person: Person):
    (first,) = person.get("/watchlists").json["items"]
    assert first["name"] == DEFAULT_NAME
    assert first["symbols"] == []
    assert person.get("/watchlists").json["items"] == [first]


def test_who_has_a_list_gets_no_first_one(person: Person):
    made(person, "Mine")
    assert names(person) == ["Mine"]


def test_many_first_looks_at_once_make_one_list(site: Site, person: Person):
    with ThreadPoolExecutor(20) as pool:
        looks = [
            pool.submit(ensure_default, site.services.watchlists, person.uid, site.at)
            for _ in range(20)
        ]
    assert {tuple(one.id for one in look.result()) for look in looks} == {("default",)}
    assert len(names(person)) == 1


def test_a_made_list_is_last_and_says_where_it_is(person: Person):
    person.get("/watchlists")
    answer = person.post("/watchlists", {"name": "  Tech  "})
    assert answer.headers["Location"] == f"/api/v1/watchlists/{answer.json['id']}"
    assert person.get(f"/watchlists/{answer.json['id']}").json == answer.json
    assert answer.json["created_at"] == "2026-03-02T15:00:00Z"
    assert names(person) == [DEFAULT_NAME, "Tech"]


def test_a_list_is_renamed_and_moved(person: Person):
    first, second = made(person, "First"), made(person, "Second")
    answer = person.patch(f"/watchlists/{first['id']}", {"name": "Last", "position": 9})
    assert (answer.json["name"], answer.json["position"]) == ("Last", 9)
    assert names(person) == ["Second", "Last"]
    assert second["position"] == 1


def test_a_change_that_changes_nothing_is_fine(person: Person):
    one = made(person)
    for body in ({}, {"name": None}, {"name": "Own"}):
        assert person.patch(f"/watchlists/{one['id']}", body).json == one


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"position": -1}, "position"),
        ({"position": 1.5}, "position"),
        ({"position": True}, "position"),
        ({"position": 10**30}, "position"),
        ({"symbols": "AAPL"}, "symbols"),
        ({"symbols": ["AAPL"]}, "symbols"),
        ({"symbols": ["A B"]}, "symbols"),
        ({"symbols": [7]}, "symbols.0"),
        ({"id": "other"}, "id"),
        ({"uid": "other"}, "uid"),
        ({"entries": []}, "entries"),
    ],
)
def test_a_change_that_cannot_be_names_its_field(person: Person, body: dict, field: str):
    one = made(person)
    refused = person.patch(f"/watchlists/{one['id']}", body)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json["errors"]] == [field]
    assert person.get(f"/watchlists/{one['id']}").json == one


def test_a_deleted_list_is_gone(person: Person):
    one = made(person)
    gone = person.delete(f"/watchlists/{one['id']}")
    assert (gone.status_code, gone.data) == (204, b"")
    assert person.delete(f"/watchlists/{one['id']}").status_code == 404
    assert person.get(f"/watchlists/{one['id']}").status_code == 404
    assert person.patch(f"/watchlists/{one['id']}", {"name": "x"}).status_code == 404


def test_the_list_beyond_the_limit_is_refused_in_words(person: Person):
    for i in range(MAX_LISTS):
        made(person, f"List {i}")
    refused = person.post("/watchlists", {"name": "One more"})
    assert refused.status_code == 409
    assert refused.json["type"] == "tag:bellwether,2026:limit-reached"
    assert str(MAX_LISTS) in refused.json["detail"]


def test_lists_made_at_once_near_the_limit_do_not_exceed_it(person: Person):
    for i in range(MAX_LISTS - 3):
        made(person, f"List {i}")
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda i: _own_client(person).post("/watchlists", {"name": f"{i}"}), range(20))
        )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 17
    assert len(names(person)) == MAX_LISTS


def test_lists_come_in_pages(person: Person):
    for i in range(5):
        made(person, f"List {i}")
    seen, cursor = [], ""
    while True:
        page = person.get(f"/watchlists?limit=2{cursor}").json
        seen += [one["name"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [f"List {i}" for i in range(5)]


def test_anothers_list_is_not_there(person: Person, stranger: Person):
    one = made(person)
    path = f"/watchlists/{one['id']}"
    answers = [
        stranger.get(path),
        stranger.patch(path, {"name": "Taken"}),
        stranger.delete(path),
        stranger.post(path + "/symbols", {"symbol": "AAPL"}),
        stranger.patch(path + "/symbols/AAPL", {"note": "x"}),
        stranger.delete(path + "/symbols/AAPL"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert person.get(path).json == one
    assert names(stranger) == [DEFAULT_NAME]


def _own_client(person: Person) -> Person:
    return Person(person.site, person.uid, person.email, person.password, person.token)
