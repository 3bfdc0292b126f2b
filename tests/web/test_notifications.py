"""The page of notifications: channels, their tests, the fall-back, the digest."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from services.notify.trials import Trial, Trials
from services.store.users import MAX_DESTINATIONS, Destination, User
from tests.web.conftest import Reader, words

PAGE = "/account/notifications"
PLACES = f"{PAGE}/destinations"
SECRET = "topic-nobody-may-know"


def user_of(reader: Reader) -> User:
    user = reader.site.services.users.get(reader.uid)
    assert user
    return user


def add(reader: Reader, name: str = "Family chat", **fields: str) -> TestResponse:
    wanted = {"kind": "apprise", "name": name, "url": f"ntfy://{SECRET}", **fields}
    return reader.send(PLACES, **wanted)


def place(reader: Reader, name: str = "Family chat", **fields: str) -> Destination:
    assert add(reader, name, **fields).status_code in (200, 302)
    return user_of(reader).destinations[-1]


def choose(reader: Reader, *names: str, **fallback: str) -> TestResponse:
    return reader.send(f"{PAGE}/channels", channels=list(names), **fallback)


def turn_off(reader: Reader, id_: str, because: str = "It answered 410.") -> None:
    off = {"off_at": reader.site.at, "off_because": because}
    changed = (
        one.model_copy(update=off) if one.id == id_ else one for one in user_of(reader).destinations
    )
    reader.site.services.users.update(reader.uid, destinations=tuple(changed))


def impatient(reader: Reader) -> None:
    """From now on pages wait for no outcome of a test."""
    ticks: Iterator[float] = iter(range(0, 1_000_000, 10))
    services = reader.site.services
    services.__dict__["trials"] = Trials(
        services.redis, services.jobs, lambda _: None, lambda: next(ticks)
    )


def test_the_account_page_tells_of_the_channels_and_leads_to_them(ada: Reader) -> None:
    page = ada.get("/account")
    assert f'href="{PAGE}"' in page.text
    assert "Alerts ring by \u2068E-mail\u2069" in words(page)


def test_a_stranger_is_sent_to_sign_in(anybody: Reader) -> None:
    assert anybody.get(PAGE).location.startswith("/sign-in?next=")


# Which ring


def test_channels_and_fall_back_are_kept_and_shown_again(ada: Reader) -> None:
    chat = place(ada)
    assert choose(ada, chat.id, "push", fallback_1="push", fallback_3="email").status_code == 302
    assert user_of(ada).channels == (chat.id, "push")
    assert user_of(ada).fallback == ("push", "email")
    page = ada.get(PAGE).text
    assert f'value="{chat.id}" checked' in page
    assert 'value="email" checked' not in page
    assert page.count('<option value="push" selected>') == 1
    assert page.count('<option value="email" selected>') == 1


def test_no_fall_back_at_all_is_a_choice(ada: Reader) -> None:
    choose(ada, "email")
    assert user_of(ada).fallback == ()
    assert "if none of these" not in ada.page("/account")


@pytest.mark.parametrize(
    ("channels", "fallback", "said"),
    [
        ([], {}, "Choose one channel at least"),
        (["email", "email"], {}, "Name each channel once."),
        (["pigeon"], {}, "You have no channel “pigeon”."),
        (["<script>alert(1)</script>"], {}, "You have no channel “<script>alert(1)</script>”."),
        (["email"], {"fallback_1": "email", "fallback_2": "email"}, "Name each channel once."),
        (["email"], {"fallback_1": "\u202enoegip"}, "You have no channel “\u202enoegip”."),
    ],
)
def test_what_cannot_be_is_refused_and_given_back(
    ada: Reader, channels: list[str], fallback: dict[str, str], said: str
) -> None:
    answer = choose(ada, *channels, **fallback)
    assert answer.status_code == 422
    assert said in words(answer)
    assert "<script>alert" not in answer.text
    assert (user_of(ada).channels, user_of(ada).fallback) == (("email",), ("email",))


def test_nobody_rings_by_the_channel_of_somebody_else(ada: Reader, bob: Reader) -> None:
    theirs = place(bob)
    assert choose(ada, theirs.id).status_code == 422
    assert choose(ada, "email", fallback_1=theirs.id).status_code == 422
    assert ada.send(f"{PAGE}/{theirs.id}/test").status_code == 404
    for do in ("name", "on", "secret"):
        assert ada.send(f"{PLACES}/{theirs.id}/{do}", name="Mine").status_code == 404
    ada.send(f"{PLACES}/{theirs.id}/remove")
    assert ada.get(f"{PLACES}/{theirs.id}").status_code == 404
    assert user_of(bob).destinations == (theirs,)


def test_a_channel_removed_meanwhile_is_refused_when_it_is_ticked(ada: Reader) -> None:
    chat = place(ada)
    ada.send(f"{PLACES}/{chat.id}/remove")
    assert choose(ada, chat.id).status_code == 422


def test_removing_the_only_channel_leaves_mail(ada: Reader) -> None:
    chat = place(ada)
    choose(ada, chat.id, fallback_1=chat.id)
    ada.send(f"{PLACES}/{chat.id}/remove")
    assert (user_of(ada).channels, user_of(ada).fallback) == (("email",), ())


# Chats and webhooks


def test_an_address_is_never_shown_again_nor_kept_in_redis(ada: Reader) -> None:
    chat = place(ada)
    for path in (PAGE, f"{PLACES}/{chat.id}", "/account"):
        assert SECRET not in ada.get(path).text
    redis = ada.site.services.redis
    kept = [text for key in redis.scan_iter("kept:users/*") for text in redis.hvals(key)]
    assert any(b"destinations" in text for text in kept)
    assert not any(SECRET.encode() in text for text in kept)


def test_the_secret_of_a_webhook_is_shown_once(ada: Reader) -> None:
    answer = add(ada, "Robot", kind="webhook", url="https://hooks.example.com/in")
    opened = ada.site.services.seal.open
    robot = opened(user_of(ada).destinations[0])
    assert robot.secret in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert robot.secret not in ada.get(f"{PLACES}/{robot.id}").text
    again = ada.send(f"{PLACES}/{robot.id}/secret")
    changed = opened(user_of(ada).destinations[0])
    assert changed.secret != robot.secret
    assert changed.secret in again.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "pigeon"}, "Choose what it is."),
        ({"name": ""}, "1 to 60 characters"),
        ({"name": "x" * 61}, "1 to 60 characters"),
        ({"url": ""}, ""),
        ({"url": "file:///etc/passwd"}, ""),
        ({"kind": "webhook", "url": "https://127.0.0.1/"}, ""),
        ({"kind": "webhook", "url": '"><script>alert(1)</script>'}, ""),
    ],
)
def test_a_bad_channel_is_refused_and_what_was_typed_given_back(
    ada: Reader, fields: dict[str, str], said: str
) -> None:
    answer = add(ada, **{"name": "My <i>chat</i>", **fields})
    assert answer.status_code == 422
    assert said in words(answer)
    assert "<script>alert" not in answer.text
    assert 'class="fault"' in answer.text
    assert user_of(ada).destinations == ()


@pytest.mark.parametrize("name", ["<b>Börse</b>", "\u202eשלום", "株価 🔔", "x" * 60])
def test_any_name_is_shown_as_it_is_and_turns_nothing_around(ada: Reader, name: str) -> None:
    chat = place(ada, name)
    choose(ada, chat.id)
    page = ada.get(PAGE)
    assert name in words(page)
    assert "<b>Börse" not in page.text
    assert f"\u2068{name}\u2069" in words(ada.get("/account"))
    assert name in words(ada.get(f"{PLACES}/{chat.id}"))


def test_there_is_an_end_to_channels(ada: Reader) -> None:
    for number in range(MAX_DESTINATIONS):
        place(ada, f"Chat {number}", url=f"ntfy://topic{number}")
    answer = add(ada, "One more", url="ntfy://more")
    assert answer.status_code == 409
    assert "Remove one first" in words(answer)


def test_a_channel_gets_another_name(ada: Reader) -> None:
    chat = place(ada)
    assert ada.send(f"{PLACES}/{chat.id}/name", name="Desk").status_code == 302
    assert "Desk" in ada.page(PAGE)
    answer = ada.send(f"{PLACES}/{chat.id}/name", name=" ")
    assert answer.status_code == 422


def test_one_that_was_switched_off_says_why_and_is_switched_on_again(ada: Reader) -> None:
    chat = place(ada)
    turn_off(ada, chat.id, "It answered <410> Gone.")
    assert "Switched off" in ada.page(PAGE)
    assert "It answered <410> Gone." in ada.page(PAGE)
    assert ada.send(f"{PLACES}/{chat.id}/on").status_code == 302
    assert user_of(ada).destinations[0].off_at is None
    assert "Switched off" not in ada.page(PAGE)


# Tests of channels


def test_a_test_is_asked_for_and_still_tried(ada: Reader) -> None:
    impatient(ada)
    answer = ada.send(f"{PAGE}/email/test")
    assert answer.location == f"{PAGE}#channel-email"
    assert [asked[:2] for asked in ada.site.jobs.trials] == [(ada.uid, "email")]
    assert "Still trying." in ada.page(PAGE)


@pytest.mark.parametrize(("ok", "said"), [(True, "Test sent 15:00."), (False, "Test failed 15:00")])
def test_what_came_of_a_test_is_shown_beside_its_channel(ada: Reader, ok: bool, said: str) -> None:
    trial = Trial(id="1", at=ada.site.at, ok=ok, words="<script>alert(1)</script> full")
    ada.site.services.trials.keep(ada.uid, "email", trial)
    page = ada.get(PAGE)
    assert f"{said}" in words(page)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text


def test_only_so_many_tests_are_sent_in_a_minute(ada: Reader) -> None:
    impatient(ada)
    statuses = [ada.send(f"{PAGE}/{name}/test").status_code for name in ["email", "push"] * 3]
    assert statuses == [302] * 5 + [429]


def test_there_is_no_test_of_a_channel_that_nobody_has(ada: Reader) -> None:
    assert ada.send(f"{PAGE}/pigeon/test").status_code == 404
    assert ada.site.jobs.trials == []


# The state of mail


@pytest.mark.parametrize(
    ("change", "said", "button"),
    [
        ({"confirmed_at": None}, "Mails wait until you confirm the address.", "Send the link"),
        ({"mail_stopped_at": True}, "You stopped all mail", "Start mail again"),
        ({"mail_refused_at": True}, "Your mailbox was refused", "Send the link"),
    ],
)
def test_mail_that_does_not_come_says_why_and_what_to_do(
    ada: Reader, change: dict[str, Any], said: str, button: str
) -> None:
    changes = {name: ada.site.at if value else value for name, value in change.items()}
    ada.site.services.users.update(ada.uid, **changes)
    page = ada.page(PAGE)
    assert said in page
    assert button in page


# The digest


def test_a_digest_is_set_and_says_when_it_comes(ada: Reader) -> None:
    assert ada.send(f"{PAGE}/digest", digest="week").status_code == 302
    assert user_of(ada).digest == "week"
    assert user_of(ada).digest_due_at
    page = ada.page(PAGE)
    assert "The next one comes 9 Mar, 07:00." in page
    assert "A digest comes every week." in ada.page("/account")
    ada.send(f"{PAGE}/digest", digest="never")
    assert user_of(ada).digest_due_at is None


@pytest.mark.parametrize("every", ["", "hour", "<b>"])
def test_no_other_digest_can_be_asked_for(ada: Reader, every: str) -> None:
    answer = ada.send(f"{PAGE}/digest", digest=every)
    assert answer.status_code == 422
    assert "Choose how often" in words(answer)


# Alerts with channels of their own


def own(reader: Reader, alert_id: str) -> tuple[str, ...] | None:
    return reader.site.services.alerts.get(reader.uid, alert_id).channels


def save(reader: Reader, alert_id: str, *names: str) -> TestResponse:
    fields = {"kind": "price_rises_to", "level": "150", "frequency": "once"}
    return reader.send(f"/alerts/{alert_id}", channels=list(names), **fields)


def test_a_new_alert_takes_its_own_channels(ada: Reader) -> None:
    chat = place(ada)
    fields = {"symbol": "AAPL", "kind": "price_rises_to", "level": "150"}
    answer = ada.send("/alerts/new", channels=[chat.id, "push"], **fields)
    alert_id = answer.location.rpartition("/")[2]
    assert own(ada, alert_id) == (chat.id, "push")
    assert "Once, by \u2068Family chat\u2069 and \u2068Push to your devices\u2069," in ada.page(
        answer.location
    )


def test_without_a_tick_an_alert_rings_by_the_usual_channels(ada: Reader) -> None:
    alert = ada.alert(channels=("push",))
    assert save(ada, alert.id).status_code == 302
    assert own(ada, alert.id) is None
    assert "Once, by \u2068E-mail\u2069," in ada.page(f"/alerts/{alert.id}")


def test_an_unknown_channel_of_an_alert_is_refused_and_the_ticks_given_back(ada: Reader) -> None:
    alert = ada.alert()
    answer = save(ada, alert.id, "push", "pigeon")
    assert answer.status_code == 422
    assert "You have no channel “pigeon”." in words(answer)
    assert re.search(r'value="push" checked', answer.text)
    assert own(ada, alert.id) is None


def test_an_alert_whose_channel_was_removed_rings_by_the_usual_ones(ada: Reader) -> None:
    chat = place(ada)
    alert = ada.alert(channels=(chat.id,))
    ada.send(f"{PLACES}/{chat.id}/remove")
    assert "your usual channels" in ada.page(f"/alerts/{alert.id}")
    assert save(ada, alert.id).status_code == 302


def test_a_question_about_a_true_condition_keeps_the_ticks(ada: Reader) -> None:
    fields = {"symbol": "AAPL", "kind": "price_rises_to", "level": "90", "channels": ["push"]}
    answer = ada.send("/alerts/new", **fields)
    assert answer.status_code == 409
    assert 'value="push" checked' in answer.text
