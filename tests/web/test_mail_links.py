"""What mails link to without a log-in: pausing an alert, stopping all mail."""

from datetime import timedelta

import pytest

from services.store.alerts import Alert
from services.store.users import User
from tests.web.conftest import Reader, words

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def pause_link(reader: Reader, alert: Alert) -> str:
    token = reader.site.services.links.make_pause(reader.uid, alert.id, reader.site.at)
    return f"/mail/pause/{token}"


def stop_link(reader: Reader) -> str:
    return f"/mail/stop/{reader.site.services.links.make_stop(reader.uid, reader.site.at)}"


def state(alert: Alert, reader: Reader) -> str:
    return reader.site.services.alerts.get(alert.uid, alert.id).state


def profile(reader: Reader) -> User:
    user = reader.site.services.users.get(reader.uid)
    assert user is not None
    return user


def test_a_scanner_that_follows_the_links_of_a_mail_changes_nothing(
    ada: Reader, anybody: Reader
) -> None:
    alert = ada.alert()
    for link in (pause_link(ada, alert), stop_link(ada)):
        assert anybody.client.head(link).status_code == 200
        for _ in range(2):
            answer = anybody.get(link)
            assert answer.status_code == 200
            assert '<form method="post">' in answer.text
            assert "Set-Cookie" not in answer.headers
    assert state(alert, ada) == "armed"
    assert profile(ada).mail_stopped_at is None


def test_one_click_pauses_that_alert_without_a_log_in_once_and_again(
    ada: Reader, anybody: Reader
) -> None:
    alert, other = ada.alert(), ada.alert(level=160)
    for _ in range(2):
        answer = anybody.client.post(pause_link(ada, alert))
        assert answer.status_code == 200
        assert "AAPL rises to 150.00 USD" in words(answer)
        assert "Nothing rings for it" in words(answer)
    assert (state(alert, ada), state(other, ada)) == ("paused", "armed")
    assert "Nothing rings" in anybody.page(pause_link(ada, alert))


def test_an_alert_that_has_rung_stays_as_it_is(ada: Reader, anybody: Reader) -> None:
    alert = ada.alert(level=90, if_true="fire_now")
    assert "does not ring any more" in words(anybody.client.post(pause_link(ada, alert)))
    assert state(alert, ada) == "triggered"


def test_the_link_of_a_deleted_alert_says_so(ada: Reader, anybody: Reader) -> None:
    alert = ada.alert()
    ada.send(f"/alerts/{alert.id}/delete")
    for answer in (
        anybody.get(pause_link(ada, alert)),
        anybody.client.post(pause_link(ada, alert)),
    ):
        assert answer.status_code == 200
        assert "It has been deleted" in words(answer)


def test_one_click_stops_all_mail_without_a_log_in_and_the_account_page_starts_it(
    ada: Reader, anybody: Reader
) -> None:
    ada.page("/account")
    assert anybody.client.post(stop_link(ada), data=ONE_CLICK).status_code == 200
    since = profile(ada).mail_stopped_at
    assert since == ada.site.at
    ada.site.later(minutes=5)
    assert "All mail is stopped" in words(anybody.client.post(stop_link(ada), data=ONE_CLICK))
    assert profile(ada).mail_stopped_at == since
    assert "All mail is stopped" in ada.page("/account")
    ada.send("/account/mail")
    assert profile(ada).mail_stopped_at is None
    assert "All mail is stopped" not in ada.page("/account")


def test_starting_mail_asks_for_a_log_in_and_a_form_of_ours(ada: Reader, anybody: Reader) -> None:
    anybody.client.post(stop_link(ada))
    assert ada.client.post("/account/mail").status_code == 400
    assert "/sign-in" in anybody.send("/account/mail").location
    assert profile(ada).mail_stopped_at is not None


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", ["pause", "stop"])
def test_a_forged_or_old_link_does_nothing(
    ada: Reader, anybody: Reader, kind: str, method: str
) -> None:
    alert = ada.alert()
    links, at = ada.site.services.links, ada.site.at
    other_kind = {
        "pause": links.make_stop(ada.uid, at),
        "stop": links.make_pause(ada.uid, alert.id, at),
    }[kind]
    made = at - timedelta(days=400)
    old = {
        "pause": links.make_pause(ada.uid, alert.id, made),
        "stop": links.make_stop(ada.uid, made),
    }[kind]
    right = (pause_link(ada, alert) if kind == "pause" else stop_link(ada)).rpartition("/")[2]
    user = profile(ada)
    for token in (
        other_kind, old, right[:-1] + "~", right[1:], "x", "%00", links.make("confirm", user, at),
        links.make("reset", user, at),
    ):  # fmt: skip
        answer = anybody.client.open(f"/mail/{kind}/{token}", method=method)
        assert answer.status_code == 410, token
        assert "Nothing was changed" in words(answer)
    assert state(alert, ada) == "armed"
    assert profile(ada).mail_stopped_at is None


def test_a_link_pauses_nobody_else_s_alert(ada: Reader, bob: Reader, anybody: Reader) -> None:
    alert = ada.alert()
    token = ada.site.services.links.make_pause(bob.uid, alert.id, ada.site.at)
    assert "deleted" in words(anybody.client.post(f"/mail/pause/{token}"))
    assert state(alert, ada) == "armed"
    bob.client.post(stop_link(bob))
    assert profile(ada).mail_stopped_at is None


def test_a_link_signs_nobody_in(ada: Reader, anybody: Reader) -> None:
    anybody.client.post(stop_link(ada))
    assert "/sign-in" in anybody.get("/account").location


def test_a_refused_mailbox_is_told_on_every_page_until_it_is_confirmed_again(ada: Reader) -> None:
    services = ada.site.services
    user = services.users.update(ada.uid, mail_refused_at=ada.site.at)
    for path in ("/alerts", "/triggers", "/account"):
        assert "Your mailbox was refused." in ada.page(path)
    ada.send("/account/confirmation")
    assert ada.site.jobs.account_mails == [("confirm", ada.uid)]
    ada.site.later(minutes=1)
    token = services.links.make("confirm", user, ada.site.at)
    ada.get(f"/confirm/{token}")
    assert "Your mailbox was refused." not in ada.page("/alerts")
    assert profile(ada).mail_refused_at is None
