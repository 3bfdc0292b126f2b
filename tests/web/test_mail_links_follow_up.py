"""What messages link to without a log-in: being told again, and ringing again."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from services.notify.quiet import QuietHours
from services.store.alerts import Alert
from services.store.contract import Delete, Update
from services.store.triggers import Delivery, Trigger, trigger_path
from tests.web.conftest import Reader, have_no_patience, words

KINDS = ["snooze", "again"]
JSON = {"Accept": "application/json"}
HOUR = timedelta(hours=1)


@pytest.fixture
def rung(ada: Reader) -> Alert:
    """Ada's alert on AAPL, which rang at 100 and was mailed."""
    alert = ada.alert(level=90, if_true="fire_now")
    put(ada, alert, Delivery(state="sent", sent_at=ada.site.at))
    return alert


def put(reader: Reader, alert: Alert, delivery: Delivery) -> None:
    trigger = stored(reader, alert).with_delivery("email", delivery)
    path = trigger_path(trigger.uid, trigger.id)
    reader.site.services.store.write(Update(path, trigger.fields()))


def stored(reader: Reader, alert: Alert) -> Trigger:
    return reader.site.services.triggers.get(reader.uid, f"{alert.id}-1")


def state(reader: Reader, alert: Alert) -> tuple[str, int]:
    alert = reader.site.services.alerts.get(reader.uid, alert.id)
    return alert.state, alert.epoch


def link(reader: Reader, alert: Alert, kind: str, number: int | None = None) -> str:
    """A link of the first message about an alert, or of a later one."""
    links, at = reader.site.services.links, reader.site.at
    if kind == "snooze":
        return f"/mail/snooze/{links.make_snooze(reader.uid, f'{alert.id}-1', number or 0, at)}"
    return f"/mail/again/{links.make_again(reader.uid, alert.id, number or 1, at)}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_scanner_that_follows_the_links_changes_nothing(
    ada: Reader, anybody: Reader, rung: Alert, kind: str
) -> None:
    before = stored(ada, rung)
    address = link(ada, rung, kind)
    assert anybody.client.head(address).status_code == 200
    for _ in range(2):
        answer = anybody.get(address)
        assert answer.status_code == 200
        assert '<form method="post">' in answer.text
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "private, no-cache"
    assert stored(ada, rung) == before
    assert state(ada, rung) == ("triggered", 1)
    assert anybody.client.put(address).status_code == 405


# Snooze


def test_one_click_tells_it_again_in_an_hour_without_a_log_in_once_and_again(
    ada: Reader, anybody: Reader, rung: Alert
) -> None:
    address = link(ada, rung, "snooze")
    asked = anybody.page(address)
    assert "AAPL rose to 90.00 USD" in asked
    assert "once more, by mail." in asked
    first = words(anybody.client.post(address))
    assert "You will be told again at 16:00, by mail." in first
    after = stored(ada, rung)
    assert after.deliveries["email"] == Delivery(due_at=ada.site.at + HOUR, round=1)
    ada.site.later(minutes=5)
    again = words(anybody.client.post(address, data={"hours": "24"}))
    assert "at 16:00, by mail. It was set before; nothing was changed." in again
    assert stored(ada, rung) == after
    assert '<form method="post">' not in anybody.get(address).text


@pytest.mark.parametrize(("hours", "said"), [("4", "at 19:00"), ("24", "on 3 Mar, 15:00")])
def test_the_page_offers_longer(
    ada: Reader, anybody: Reader, rung: Alert, hours: str, said: str
) -> None:
    assert f'<option value="{hours}">' in anybody.get(link(ada, rung, "snooze")).text
    answer = anybody.client.post(link(ada, rung, "snooze"), data={"hours": hours})
    assert said in words(answer)


@pytest.mark.parametrize("hours", ["0", "2", "-1", "1.5", "x", "9" * 5000, "٤", "\0"])
def test_a_time_that_is_not_offered_is_refused_with_the_page(
    ada: Reader, anybody: Reader, rung: Alert, hours: str
) -> None:
    before = stored(ada, rung)
    answer = anybody.client.post(link(ada, rung, "snooze"), data={"hours": hours})
    assert answer.status_code == 422
    assert "Nothing was changed" in words(answer)
    assert '<form method="post">' in answer.text
    assert stored(ada, rung) == before


def test_times_are_those_of_the_reader(ada: Reader, anybody: Reader, rung: Alert) -> None:
    hours = QuietHours(start="01:00", end="07:30")
    ada.site.services.users.update(ada.uid, time_zone="Asia/Tokyo", quiet_hours=hours)
    answer = words(anybody.client.post(link(ada, rung, "snooze")))
    assert "told again at 07:30, when your quiet hours end, by mail" in answer


def test_a_message_that_is_still_being_sent_can_be_tried_again(
    ada: Reader, anybody: Reader, rung: Alert
) -> None:
    put(ada, rung, Delivery(state="sending", attempts=1, due_at=ada.site.at + HOUR))
    answer = anybody.client.post(link(ada, rung, "snooze"))
    assert answer.status_code == 503
    assert "Try again" in words(answer)
    put(ada, rung, Delivery(state="sent", sent_at=ada.site.at))
    assert anybody.client.post(link(ada, rung, "snooze")).status_code == 200


def test_snooze_works_after_ring_again_and_the_other_way_round(
    ada: Reader, anybody: Reader, rung: Alert
) -> None:
    ada.site.price(80)
    assert anybody.client.post(link(ada, rung, "again")).status_code == 200
    assert anybody.client.post(link(ada, rung, "snooze")).status_code == 200
    assert state(ada, rung) == ("armed", 2)
    assert stored(ada, rung).deliveries["email"].round == 1
    assert "set already" in words(anybody.client.post(link(ada, rung, "again")))


# Ring again


def test_one_click_rings_again_without_a_log_in_once_and_again(
    ada: Reader, anybody: Reader, rung: Alert
) -> None:
    ada.site.price(80)
    address = link(ada, rung, "again")
    assert "Ring again? AAPL rises to 90.00 USD" in anybody.page(address)
    first = words(anybody.client.post(address))
    assert "It is set again" in first
    assert "Armed since 15:06." in first
    assert state(ada, rung) == ("armed", 2)
    ada.site.later(minutes=5)
    assert "It is set already" in words(anybody.client.post(address))
    assert "It is set already" in anybody.page(address)
    assert state(ada, rung) == ("armed", 2)


def test_what_is_true_now_waits_for_the_next_crossing(
    ada: Reader, anybody: Reader, rung: Alert
) -> None:
    answer = words(anybody.client.post(link(ada, rung, "again")))
    assert "Arms once the price has gone back below 90.00 USD." in answer
    assert state(ada, rung) == ("waiting", 2)


def test_an_old_message_says_how_a_paused_alert_stands(
    ada: Reader, anybody: Reader, rung: Alert
) -> None:
    anybody.client.post(link(ada, rung, "again"))
    ada.send(f"/alerts/{rung.id}/pause")
    answer = words(anybody.client.post(link(ada, rung, "again")))
    assert "Paused by you." in answer
    assert "this link does nothing more" in answer
    assert state(ada, rung) == ("paused", 2)
    anybody.client.post(link(ada, rung, "again", 2))
    assert state(ada, rung)[1] == 3


def test_without_a_quote_nothing_is_done_and_the_page_has_a_button_to_try_again(
    ada: Reader, anybody: Reader, rung: Alert
) -> None:
    fetch, ada.site.jobs._fetch = ada.site.jobs._fetch, None
    ada.site.later(days=1)
    have_no_patience(ada.site)
    answer = anybody.client.post(link(ada, rung, "again"))
    assert answer.status_code == 503
    assert "gave no answer about AAPL just now. Nothing is lost" in words(answer)
    assert "<button>Try again</button>" in answer.text
    assert state(ada, rung) == ("triggered", 1)
    ada.site.jobs._fetch = fetch
    for impatient in ("desk", "lookup", "follow_ups"):
        del ada.site.services.__dict__[impatient]
    ada.site.services.redis.flushdb()  # or it would know that it has just been asked
    assert anybody.client.post(link(ada, rung, "again")).status_code == 200
    assert state(ada, rung)[1] == 2


def test_a_symbol_without_quotes_is_told(ada: Reader, anybody: Reader, rung: Alert) -> None:
    del ada.site.market.quotes_of["AAPL"]
    ada.site.later(days=1)
    answer = anybody.client.post(link(ada, rung, "again"))
    assert answer.status_code == 422
    assert "There are no quotes for AAPL any more. Nothing was changed." in words(answer)
    assert state(ada, rung) == ("triggered", 1)


# Both


@pytest.mark.parametrize("kind", KINDS)
def test_two_clicks_at_the_same_moment_are_one(ada: Reader, rung: Alert, kind: str) -> None:
    address, barrier, found = link(ada, rung, kind), Barrier(2), []

    def press() -> None:
        client = ada.site.app.test_client()
        barrier.wait()
        found.append(client.post(address, headers=JSON))

    threads = [Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(answer.status_code, answer.json["done"]) for answer in found] == [(200, True)] * 2
    assert stored(ada, rung).deliveries["email"].round == (kind == "snooze")
    assert state(ada, rung)[1] == 1 + (kind == "again")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_old_or_foreign_link_does_nothing(
    ada: Reader, anybody: Reader, rung: Alert, kind: str, method: str
) -> None:
    links, at = ada.site.services.links, ada.site.at
    before = stored(ada, rung)
    right = link(ada, rung, kind).rpartition("/")[2]
    made = at - timedelta(days=367)
    tokens = {
        "another purpose": link(ada, rung, "again" if kind == "snooze" else "snooze"),
        "pause": links.make_pause(ada.uid, rung.id, at),
        "stop": links.make_stop(ada.uid, at),
        "old snooze": links.make_snooze(ada.uid, before.id, 0, made),
        "old again": links.make_again(ada.uid, rung.id, 1, made),
        "cut": right[:-1],
        "begun later": right[1:],
        "longer": right + "A",
        "another payload": "WyJ4IiwieCAwIiw5OTk5OTk5OTk5XQ." + right.partition(".")[2],
        "10 KB": right + "x" * 10_240,
        "10 KB of dots": "." * 10_240,
        "not ASCII": "ключ-鍵-🔑",
        "bytes": "%ff%fe%00",
        "a script": "<script>alert(1)",
    }
    for name, token in tokens.items():
        token = token.rpartition("/")[2]
        answer = anybody.client.open(f"/mail/{kind}/{token}", method=method)
        assert answer.status_code == 410, name
        assert "This link does not work" in words(answer)
        assert "Nothing was changed" in words(answer)
        assert "<script>" not in answer.text
    assert stored(ada, rung) == before
    assert state(ada, rung) == ("triggered", 1)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_links_of_what_is_deleted_say_so(
    ada: Reader, anybody: Reader, rung: Alert, method: str
) -> None:
    store, address = ada.site.services.store, link(ada, rung, "snooze")
    ada.send(f"/alerts/{rung.id}/delete")
    answer = anybody.client.open(link(ada, rung, "again"), method=method)
    assert answer.status_code == 410
    assert "It has been deleted" in words(answer)
    store.write(Delete(trigger_path(ada.uid, f"{rung.id}-1")))
    answer = anybody.client.open(address, method=method)
    assert answer.status_code == 410
    assert "has been deleted. Nothing was changed." in words(answer)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", KINDS)
def test_links_of_an_account_that_is_gone_say_so(
    ada: Reader, anybody: Reader, rung: Alert, kind: str, method: str
) -> None:
    address = link(ada, rung, kind)
    ada.site.services.store.write(Delete(f"users/{ada.uid}"))
    answer = anybody.client.open(address, method=method)
    assert answer.status_code == 410
    assert "This account does not exist any more." in words(answer)
    assert state(ada, rung) == ("triggered", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_touches_nobody_else_s(
    ada: Reader, bob: Reader, anybody: Reader, rung: Alert, kind: str
) -> None:
    before = stored(ada, rung)
    bob_s = link(Reader(ada.site, bob.client, bob.email, bob.uid), rung, kind)
    assert anybody.client.post(bob_s).status_code == 410
    assert (stored(ada, rung), state(ada, rung)) == (before, ("triggered", 1))


@pytest.mark.parametrize("kind", [*KINDS, "pause"])
def test_a_link_signs_nobody_in(ada: Reader, anybody: Reader, rung: Alert, kind: str) -> None:
    token = ada.site.services.links.make_pause(ada.uid, rung.id, ada.site.at)
    anybody.client.post(f"/mail/pause/{token}" if kind == "pause" else link(ada, rung, kind))
    assert "/sign-in" in anybody.get("/account").location


# JSON, for notifications


def test_a_service_worker_is_answered_as_json(ada: Reader, anybody: Reader, rung: Alert) -> None:
    links, at = ada.site.services.links, ada.site.at
    for address, said in (
        (link(ada, rung, "snooze"), "A reminder is set. You will be told again at 16:00, by mail."),
        (link(ada, rung, "again"), "It is set again. Arms once the price has gone back"),
        (f"/mail/pause/{links.make_pause(ada.uid, rung.id, at)}", "Paused. Nothing rings"),
        (f"/mail/stop/{links.make_stop(ada.uid, at)}", "All mail is stopped. "),
    ):
        answer = anybody.client.post(address, headers=JSON)
        assert answer.status_code == 200
        assert answer.json.keys() == {"done", "said"}
        assert answer.json["done"] is True
        assert answer.json["said"].startswith(said)


def test_a_refusal_as_json_is_410_and_a_passing_one_503(
    ada: Reader, anybody: Reader, rung: Alert
) -> None:
    for path in ("/mail/snooze/x", "/mail/again/x", "/mail/pause/x", "/mail/stop/x"):
        answer = anybody.client.post(path, headers=JSON)
        assert (answer.status_code, answer.json["done"]) == (410, False)
        assert "Nothing was changed." in answer.json["said"]
    put(ada, rung, Delivery(state="failed", error="refused"))
    answer = anybody.client.post(link(ada, rung, "snooze"), headers=JSON)
    assert (answer.status_code, answer.json["done"]) == (410, False)
    put(ada, rung, Delivery(state="sending", attempts=1, due_at=ada.site.at + HOUR))
    answer = anybody.client.post(link(ada, rung, "snooze"), headers=JSON)
    assert (answer.status_code, answer.json["done"]) == (503, False)


@pytest.mark.parametrize("accept", ["*/*", "text/html", "text/html,application/json;q=0.9", ""])
def test_mail_programs_and_browsers_get_a_page(
    ada: Reader, anybody: Reader, rung: Alert, accept: str
) -> None:
    answer = anybody.client.post(link(ada, rung, "snooze"), headers={"Accept": accept})
    assert answer.mimetype == "text/html"


def test_links_are_limited_by_address(anybody: Reader) -> None:
    answers = {anybody.client.post("/mail/snooze/x").status_code for _ in range(301)}
    assert answers == {410, 429}
