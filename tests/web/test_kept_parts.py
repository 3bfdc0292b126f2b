"""Rows and parts of pages are kept as HTML: what has changed shows at once, and to nobody else."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jinja2 import meta
from redis.connection import Connection

from services.market.fetch_hours import hours_into_cache
from services.market.sparks import Spark, SparkCache
from services.store.alerts import Alerts, newest_alerts
from services.store.kept import KeptStore
from services.store.paging import looking_ahead
from tests.web.conftest import LIST, Reader
from web import rows
from web.parts import kept_part

TEMPLATES = Path(__file__).parents[2] / "templates"
_USED = re.compile(r'kept_part\("([^"]+)"')
_INCLUDED = re.compile(r'{% include "([^"]+)"')
HARMLESS = {"_", "ngettext", "url_for", "asset", "languages", "unit_words", "unit_name"}
"""What says the same to everybody who reads a language."""
OWN = {"icons", "hint"}
"""What those templates import or set themselves."""


def sources(templates: set[str]) -> dict[str, str]:
    """The templates and what they include, by name."""
    found: dict[str, str] = {}
    while templates:
        name = templates.pop()
        found[name] = (TEMPLATES / name).read_text()
        templates |= set(_INCLUDED.findall(found[name])) - found.keys()
    return found


def row(reader: Reader, symbol: str = "AAPL") -> str:
    found = re.search(rf'<tr [^>]*id="row-{symbol}".*?</tr>', reader.get(LIST).text, re.DOTALL)
    assert found
    return found[0]


@pytest.fixture
def watching(ada: Reader) -> Reader:
    """Ada with AAPL on her list, who has seen it."""
    assert ada.send(f"{LIST}/symbols", symbol="AAPL").status_code == 302
    row(ada)
    return ada


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The symbols whose rows are made from now on."""
    symbols: list[str] = []

    def make(**fields: Any) -> rows.Row:
        symbols.append(fields["symbol"])
        return Row(**fields)

    Row = rows.Row  # noqa: N806
    monkeypatch.setattr(rows, "Row", make)
    return symbols


def test_what_is_kept_can_name_nothing_of_a_session(ada: Reader) -> None:
    used = {one for file in TEMPLATES.rglob("*.html") for one in _USED.findall(file.read_text())}
    assert len(used) >= 3
    environment = ada.site.app.jinja_env
    for name, source in sources(used | {"watchlists/row.html"}).items():
        names = meta.find_undeclared_variables(environment.parse(source))
        assert names - HARMLESS - OWN == set(), name


CHANGES: dict[str, tuple[Callable[[Reader], object], str]] = {
    "price": (lambda ada: ada.site.price(123.45), "123.45"),
    "company": (lambda ada: ada.site.price(100.0, name="Renamed & Sons"), "Renamed &amp; Sons"),
    "alert": (lambda ada: ada.alert(level=187.0), "187"),
    "note": (lambda ada: ada.send(f"{LIST}/symbols/AAPL", do="note", note="mine"), "mine"),
    "age": (lambda ada: ada.site.later(minutes=4), "4\u00a0min"),
    "language": (lambda ada: ada.send("/account/language", language="de"), "Alarm"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_row_shows_at_once(watching: Reader, what: str) -> None:
    change, shown = CHANGES[what]
    assert shown not in row(watching)
    change(watching)
    assert shown in row(watching)


def test_an_alert_that_is_gone_is_gone_from_its_row(watching: Reader) -> None:
    alert = watching.alert(level=187.0)
    assert "187" in row(watching)
    watching.site.services.arming.delete(watching.uid, alert.id, watching.site.at)
    assert "187" not in row(watching)


def test_columns_order_theme_and_the_list_s_name_show_at_once(watching: Reader) -> None:
    watching.get(f"{LIST}?sort=-price")
    assert 'aria-sort="descending"' in watching.get(LIST).text
    watching.get(f"{LIST}?view=1&sort=own&show=age")
    assert "without-volume" in watching.get(LIST).text
    assert watching.send("/theme", theme="dark").status_code == 303
    assert 'data-theme="dark"' in watching.get(LIST).text
    assert watching.send(f"{LIST}/name", name="Hopes").status_code == 302
    assert "<bdi>Hopes</bdi>" in watching.get(LIST).text


def test_a_row_is_made_once_for_all_who_see_the_same(
    watching: Reader, bob: Reader, made: list[str]
) -> None:
    assert bob.send(f"{LIST}/symbols", symbol="AAPL").status_code == 302
    row(watching)
    row(bob)
    assert made == []
    watching.site.price(123.45)
    row(watching)
    row(bob)
    assert made == ["AAPL"]


def test_a_text_like_the_place_of_the_rows_is_but_a_text(watching: Reader) -> None:
    assert watching.send(f"{LIST}/name", name="<!--rows-->").status_code == 302
    text = watching.get(LIST).text
    assert text.count("<bdi>&lt;!--rows--&gt;</bdi>") == 3
    assert text.count('id="row-AAPL"') == 1
    assert "<!--rows-->" not in text


def test_only_so_many_rows_are_kept(
    watching: Reader, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "KEPT_ROWS", 1)
    for minutes in (5, 10, 15):
        watching.site.later(minutes=minutes)
        row(watching)
    assert made == ["AAPL"] * 3
    assert len(rows._rows) == 1


def test_nobody_sees_what_another_one_has(watching: Reader, bob: Reader) -> None:
    assert bob.send(f"{LIST}/symbols", symbol="AAPL").status_code == 302
    alert = watching.alert(level=187.0)
    watching.send(f"{LIST}/symbols/AAPL", do="note", note="mine alone")
    hers, his = watching.get(LIST).text, bob.get(LIST).text
    assert alert.id in hers
    assert "mine alone" in hers
    for secret in (alert.id, "mine alone", "187"):
        assert secret not in his
    tokens = [
        set(re.findall(r'(?:csrf_token" value|data-token)="([^"]+)"', text)) for text in (hers, his)
    ]
    assert all(tokens)
    assert not tokens[0] & tokens[1]


def test_one_process_speaks_both_languages_at_once(watching: Reader, bob: Reader) -> None:
    bob.send("/account/language", language="de")
    assert "Sign out" in watching.get(LIST).text
    assert "Abmelden" in bob.get(LIST).text
    assert "Sign out" in watching.get(LIST).text


def test_a_part_is_made_once_for_all_who_look_alike(ada: Reader) -> None:
    with ada.site.app.test_request_context():
        assert kept_part("parts/page.html", "brand") is kept_part("parts/page.html", "brand")


def test_a_page_seen_before_asks_redis_five_times(
    watching: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    send: Any = Connection.send_packed_command

    def counted(self: Connection, command: object, *rest: Any, **more: Any) -> None:
        asked.append(command)
        send(self, command, *rest, **more)

    site = watching.site
    session, later = site.market.quotes_of["AAPL"].session, site.at + timedelta(days=1)
    spark = Spark(session=session, closes=(90.0, 95.0), fresh_until=later)
    SparkCache(site.services.redis).put({"AAPL": spark})
    hours_into_cache(site.services.redis, ["XNYS"], site.at)
    watching.get(LIST)
    monkeypatch.setattr(Connection, "send_packed_command", counted)
    watching.get(LIST)
    assert len(asked) <= 5, asked


def test_what_was_looked_up_ahead_is_used_once_and_not_after_a_write(ada: Reader) -> None:
    store = ada.site.services.store
    if not isinstance(store, KeptStore):
        pytest.skip("Nothing is kept on this store.")
    alerts, pages = Alerts(store), [newest_alerts(ada.uid, 10)]
    with looking_ahead(store, pages):
        made = ada.alert()
        assert [one.id for one in alerts.page(ada.uid, limit=10)[0]] == [made.id]
    with looking_ahead(store, pages):
        pass
    second = ada.alert(level=160.0)
    assert {one.id for one in alerts.page(ada.uid, limit=10)[0]} == {made.id, second.id}
