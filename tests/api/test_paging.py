"""Pages and their cursors."""

import base64

import pytest

from tests.support.web import Person, Site


@pytest.fixture
def ids(site: Site, person: Person) -> list[str]:
    """Seven alerts, two of them of one moment, newest first."""
    found = []
    for i in range(7):
        if i != 3:
            site.later(seconds=1)
        body = {"symbol": "AAPL", "condition": {"kind": "price_falls_to", "level": 40 + i}}
        found.append(person.post("/alerts", body).json)
    found.sort(key=lambda alert: (alert["created_at"], alert["id"]), reverse=True)
    return [alert["id"] for alert in found]


def page(person: Person, **query: object) -> tuple[list[str], str | None]:
    answer = person.get("/alerts", query_string=query)
    assert answer.status_code == 200, answer.text
    return [alert["id"] for alert in answer.json["items"]], answer.json["next"]


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_of_any_size_show_everything_once(person: Person, ids: list[str], limit: int):
    seen, following = page(person, limit=limit)
    while following is not None:
        more, following = page(person, limit=limit, cursor=following)
        assert 0 < len(more) <= limit
        seen += more
    assert seen == ids


def test_the_last_full_page_has_no_next(person: Person, ids: list[str]):
    assert page(person, limit=7) == (ids, None)


def test_what_is_new_or_deleted_meanwhile_disturbs_no_later_page(person: Person, ids: list[str]):
    first, following = page(person, limit=3)
    person.delete(f"/alerts/{first[2]}")
    person.post("/alerts", {"symbol": "MSFT", "condition": {"kind": "price_falls_to", "level": 1}})
    assert page(person, limit=100, cursor=following)[0] == ids[3:]


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1.5", "x", "", "9" * 5_000, "1&limit=2"])
@pytest.mark.parametrize("path", ["/alerts", "/triggers", "/watchlists"])
def test_a_limit_is_between_1_and_100(person: Person, path: str, limit: str):
    refused = person.get(f"{path}?limit={limit}")
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json["errors"]] == ["limit"]


def forged(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "....",
        "%00",
        "\U0001f514",
        "x" * 501,
        forged('["2026-03-02T15:00:00+00:00", "A"]'),
        forged("[1]") + ".signature",
    ],
)
@pytest.mark.parametrize("path", ["/alerts", "/triggers", "/watchlists"])
def test_a_cursor_that_we_did_not_make_is_refused(person: Person, path: str, cursor: str):
    refused = person.get(path, query_string={"cursor": cursor})
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json["errors"]] == ["cursor"]


@pytest.mark.slow
def test_a_cursor_changed_in_any_place_is_refused(person: Person, ids: list[str]):
    _, following = page(person, limit=3)
    assert following is not None
    for i in range(0, len(following) - 1, 7):
        changed = following[:i] + ("A" if following[i] != "A" else "B") + following[i + 1 :]
        assert person.get("/alerts", query_string={"cursor": changed}).status_code == 422


def test_a_cursor_is_good_for_one_person_and_one_list(
    person: Person, stranger: Person, ids: list[str]
):
    _, following = page(person, limit=3)
    query = {"cursor": following}
    assert stranger.get("/alerts", query_string=query).status_code == 422
    assert person.get("/triggers", query_string=query).status_code == 422
    assert person.get("/watchlists", query_string=query).status_code == 422
