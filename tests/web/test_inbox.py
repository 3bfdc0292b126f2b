"""The inbox: what is unread, what is shown of it, and what its buttons do."""

import re
from datetime import timedelta

import pytest

from services.store.alerts import Alert
from services.store.contract import Create, Update
from services.store.triggers import Delivery, Trigger, trigger_path
from tests.web.conftest import Reader, words


def ring(reader: Reader, symbol: str = "AAPL", **more: object) -> Alert:
    """An alert that rang now, a minute after the one before."""
    reader.site.later(minutes=1)
    return reader.alert(level=90, symbol=symbol, if_true="fire_now", **more)


def trigger_of(reader: Reader, alert: Alert) -> Trigger:
    return reader.site.services.triggers.get(reader.uid, f"{alert.id}-1")


def deliver(reader: Reader, alert: Alert, **fields: object) -> None:
    trigger = trigger_of(reader, alert)
    after = trigger.with_delivery("email", Delivery.model_validate(fields))
    reader.site.services.store.write(Update(trigger_path(reader.uid, trigger.id), after.fields()))


def many(reader: Reader, count: int) -> None:
    """So many unread triggers, each a second newer than the one before."""
    first = trigger_of(reader, ring(reader))
    store = reader.site.services.store
    for start in range(0, count - 1, 400):
        numbers = range(start, min(start + 400, count - 1))
        store.write(
            *(
                Create(
                    trigger_path(reader.uid, f"t{number:05}-1"),
                    first.model_copy(
                        update={"noticed_at": first.noticed_at + timedelta(seconds=number + 1)}
                    ).fields(),
                )
                for number in numbers
            )
        )
    reader.site.later(hours=3)


def shown(page: str) -> list[str]:
    """The ids of the triggers on a page, in order."""
    return re.findall(r'<li class="bell[^"]*" id="t-([^"]+)"', page)


def until(page: str) -> str:
    found = re.search(r'name="until" value="([^"]+)"', page)
    assert found
    return found[1]


def test_what_has_rung_is_new_in_words_until_it_is_looked_at(ada: Reader) -> None:
    alert = ring(ada)
    assert "Inbox 1 unread" in ada.page("/triggers")
    assert "New" in ada.page("/triggers")
    assert "rose to 90.00" in ada.page(f"/triggers/{alert.id}-1")
    assert "Inbox 1 unread" not in ada.page("/triggers")
    assert "Mark as read" not in ada.page("/triggers")
    assert trigger_of(ada, alert).read


def test_the_number_of_unread_is_on_every_page(ada: Reader) -> None:
    ring(ada)
    ring(ada)
    badge = re.search(r"data-unread>(\d*)<", ada.get("/account").text)
    assert badge
    assert badge[1] == "2"


def test_nothing_is_read_by_a_browser_that_only_looks_ahead(ada: Reader) -> None:
    alert = ring(ada)
    path = f"/triggers/{alert.id}-1"
    ada.get(path, headers={"Sec-Purpose": "prefetch"})
    ada.client.head(path)
    assert trigger_of(ada, alert).unread


def test_one_is_marked_and_marked_back_however_often_it_is_pressed(ada: Reader) -> None:
    alert = ring(ada)
    for _press in range(2):
        answer = ada.send(f"/triggers/{alert.id}-1/read", back="/triggers?show=unread")
        assert answer.location == f"/triggers?show=unread#t-{alert.id}-1"
        assert trigger_of(ada, alert).read
    for _press in range(2):
        assert ada.send(f"/triggers/{alert.id}-1/unread").location == "/triggers"
        assert trigger_of(ada, alert).unread


def test_reading_is_one_write_and_reading_again_is_none(
    ada: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert, store = ring(ada), ada.site.services.store
    writes: list[object] = []
    write = store.write
    monkeypatch.setattr(store, "write", lambda *some: (writes.extend(some), write(*some)))
    path = f"/triggers/{alert.id}-1"
    for _look in range(3):
        ada.get(path)
    assert writes == [Update(trigger_path(ada.uid, f"{alert.id}-1"), {"unread": False})]


def test_all_are_marked_but_those_that_came_after_the_page_was_made(ada: Reader) -> None:
    first, second = ring(ada), ring(ada)
    page = ada.get("/triggers").text
    late = ring(ada)
    answer = ada.send("/triggers/read", until=until(page))
    assert answer.location == "/triggers"
    assert "2 are marked as read." in ada.page("/triggers")
    assert trigger_of(ada, late).unread
    assert trigger_of(ada, first).read
    assert trigger_of(ada, second).read
    ada.send("/triggers/read", until=until(page))
    assert trigger_of(ada, late).unread, "another tab's old page says so again"


def test_what_a_delivery_changes_meanwhile_stays_as_it_is(ada: Reader) -> None:
    alert = ring(ada)
    deliver(ada, alert, state="sent", sent_at=ada.site.at)
    ada.send(f"/triggers/{alert.id}-1/read")
    found = trigger_of(ada, alert)
    assert found.read
    assert found.deliveries["email"].state == "sent"
    deliver(ada, alert, state="failed", error="no")
    assert trigger_of(ada, alert).read


@pytest.mark.parametrize("moment", ["", "now", "2026-03-02T15:00:00", "9" * 400])
def test_a_time_that_is_none_marks_nothing(ada: Reader, moment: str) -> None:
    alert = ring(ada)
    assert ada.send("/triggers/read", until=moment).status_code == 400
    assert trigger_of(ada, alert).unread


def test_a_time_to_come_means_now(ada: Reader) -> None:
    alert = ring(ada)
    ada.send("/triggers/read", until="2999-01-01T00:00:00+00:00")
    assert trigger_of(ada, alert).read
    assert trigger_of(ada, ring(ada)).unread


def test_thousands_come_page_by_page_and_are_marked_at_once(ada: Reader) -> None:
    many(ada, 1_300)
    page = ada.get("/triggers").text
    assert len(shown(page)) == 30
    assert "99+ unread" in words(ada.get("/triggers"))
    older = re.search(r'href="(/triggers\?after=[^"]+)"', page)
    assert older
    following = ada.get(older[1]).text
    assert not set(shown(following)) & set(shown(page))
    ada.send("/triggers/read", until=until(page))
    assert "1300 are marked as read." in ada.page("/triggers")
    assert "All is read" in ada.page("/triggers?show=unread")


def test_each_filter_shows_its_own(ada: Reader) -> None:
    failed, late, sent, read = (ring(ada) for _ in range(4))
    deliver(ada, failed, state="failed", error="refused")
    deliver(ada, late, state="retry", error="busy", due_at=ada.site.at, attempts=1)
    deliver(ada, sent, state="sent", sent_at=ada.site.at)
    ada.send(f"/triggers/{read.id}-1/read")
    for show, expected in {
        "failed": [failed],
        "late": [late],
        "unread": [sent, late, failed],
        "": [read, sent, late, failed],
    }.items():
        page = ada.get(f"/triggers?show={show}").text
        assert shown(page) == [f"{alert.id}-1" for alert in expected], show
    assert "Not delivered" in ada.page("/triggers")
    assert ada.get("/triggers?show=nonsense").status_code == 404


def test_what_reached_some_devices_only_is_a_trouble_too(ada: Reader) -> None:
    alert = ring(ada)
    deliver(ada, alert, state="sent", sent_at=ada.site.at, error="one is gone", reached=("a",))
    assert trigger_of(ada, alert).trouble == "failed"


def test_a_symbol_is_searched_as_people_type_it(ada: Reader) -> None:
    apple, other = ring(ada), ring(ada, "MSFT")
    assert shown(ada.get("/triggers?symbol=aapl").text) == [f"{apple.id}-1"]
    ada.send(f"/triggers/{apple.id}-1/read")
    assert shown(ada.get("/triggers?symbol=AAPL&show=unread").text) == []
    assert shown(ada.get("/triggers?symbol= msft &show=unread").text) == [f"{other.id}-1"]


@pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "\u202ehello", "x" * 500, "%00"])
def test_a_search_for_what_is_no_symbol_finds_nothing_and_says_so(ada: Reader, typed: str) -> None:
    ring(ada)
    answer = ada.get("/triggers", query_string={"symbol": typed})
    assert answer.status_code == 200
    assert "Nothing of" in words(answer)
    assert "<script>alert" not in answer.text


def test_one_of_a_filter_is_found_behind_many_others_of_its_symbol(ada: Reader) -> None:
    alert = ring(ada)
    deliver(ada, alert, state="failed", error="refused")
    ada.site.later(hours=1)
    first = trigger_of(ada, ring(ada))
    ada.site.services.store.write(
        *(
            Create(
                trigger_path(ada.uid, f"later{number:03}-1"),
                first.model_copy(
                    update={"noticed_at": first.noticed_at + timedelta(seconds=number + 1)}
                ).fields(),
            )
            for number in range(70)
        )
    )
    assert shown(ada.get("/triggers?symbol=AAPL&show=failed").text) == [f"{alert.id}-1"]


def test_a_note_is_shown_as_it_was_typed_and_turns_nothing_around(ada: Reader) -> None:
    ring(ada, note="<b onclick=x>\u202e hello \u05d0")
    page = ada.get("/triggers").text
    assert "<b onclick" not in page
    assert "<bdi>&lt;b onclick=x&gt;" in page


def test_another_s_trigger_is_not_there(ada: Reader, bob: Reader, anybody: Reader) -> None:
    alert = ring(ada)
    path = f"/triggers/{alert.id}-1"
    assert bob.get(path).status_code == 404
    for what in ("read", "unread", "snooze", "again"):
        assert bob.send(f"{path}/{what}").status_code == 404
    bob.send("/triggers/read", until="2999-01-01T00:00:00+00:00")
    assert trigger_of(ada, alert).unread
    assert ada.get("/triggers/none").status_code == 404
    assert "/sign-in" in anybody.get(path).location
    assert ada.client.post(f"{path}/read").status_code == 400


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/account", ""])
def test_one_is_led_back_to_the_inbox_only(ada: Reader, back: str) -> None:
    alert = ring(ada)
    assert ada.send(f"/triggers/{alert.id}-1/unread", back=back).location == "/triggers"


# Snooze, and ring again


@pytest.mark.parametrize(
    ("chosen", "hours"), [("1", 1), ("4", 4), ("24", 24), ("", 1), ("morning", 17)]
)
def test_it_is_told_again_when_the_reader_says(ada: Reader, chosen: str, hours: int) -> None:
    alert = ring(ada)
    deliver(ada, alert, state="sent", sent_at=ada.site.at)
    ada.site.at = ada.site.at.replace(minute=0)
    ada.send(f"/triggers/{alert.id}-1/snooze", **({"for": chosen} if chosen else {}))
    due = trigger_of(ada, alert).deliveries["email"].due_at
    assert due == ada.site.at + timedelta(hours=hours)


@pytest.mark.parametrize("chosen", ["2", "0", "-1", "evening", "1e3", "٤", "9" * 50])
def test_no_other_time_is_taken(ada: Reader, chosen: str) -> None:
    alert = ring(ada)
    deliver(ada, alert, state="sent", sent_at=ada.site.at)
    answer = ada.send(f"/triggers/{alert.id}-1/snooze", **{"for": chosen})
    assert answer.status_code == 400
    assert trigger_of(ada, alert).deliveries["email"].state == "sent"


def test_ring_again_sets_the_alert_once(ada: Reader) -> None:
    alert = ring(ada)
    path = f"/triggers/{alert.id}-1"
    assert "Ring again" in ada.page(path)
    ada.send(f"{path}/again", back=path)
    page = ada.page(path)
    assert "It is set again." in page
    assert ada.site.services.alerts.get(ada.uid, alert.id).epoch == 2
    ada.send(f"{path}/again", back=path)
    assert "It is set already." in ada.page(path)
    assert ada.site.services.alerts.get(ada.uid, alert.id).epoch == 2


def test_a_deleted_alert_leaves_its_evidence(ada: Reader) -> None:
    alert = ring(ada)
    ada.site.services.arming.delete(ada.uid, alert.id, ada.site.at)
    path = f"/triggers/{alert.id}-1"
    page = ada.page(path)
    assert "Its alert has been deleted." in page
    assert "Ring again" not in page
    ada.send(f"{path}/again", back=path)
    assert "This alert is gone" in ada.page(path)


def test_a_trigger_from_before_there_was_an_inbox_counts_as_read(ada: Reader) -> None:
    alert = ring(ada)
    path = trigger_path(ada.uid, f"{alert.id}-1")
    document = ada.site.services.store.get(path)
    assert document
    old = {n: v for n, v in document.fields.items() if n not in ("unread", "trouble")}
    ada.site.services.store.write(Create(trigger_path(ada.uid, "old-1"), old))
    assert "1 unread" in ada.page("/triggers")
    assert ada.site.services.triggers.get(ada.uid, "old-1").read
