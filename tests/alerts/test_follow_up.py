"""Ringing again from a message: once for the epoch that it tells of."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from services.alerts.follow_up import Follow, FollowUps
from services.errors import NoQuote, NotFound, UnknownSymbol
from services.store.alerts import Alert
from services.store.contract import Update
from tests.support.web import Site
from tests.web.conftest import Reader, ada, have_no_patience

__all__ = ["ada"]


def again(reader: Reader, alert: Alert, epoch: int = 1) -> Follow:
    site = reader.site
    return site.services.follow_ups.ring_again(reader.uid, alert.id, epoch, site.at)


def stored(reader: Reader, alert: Alert) -> Alert:
    return reader.site.services.alerts.get(reader.uid, alert.id)


def rung(reader: Reader, level: float = 90, **more: object) -> Alert:
    """An alert that rang at 100."""
    return reader.alert(level=level, if_true="fire_now", **more)


def test_an_alert_that_rang_is_armed_with_its_next_epoch(ada: Reader) -> None:
    alert = rung(ada)
    ada.site.price(80)
    found = again(ada, alert)
    assert (found.is_new, found.is_open) == (True, False)
    assert (found.alert.state, found.alert.epoch) == ("armed", 2)
    assert stored(ada, alert) == found.alert
    assert ada.site.services.arming._index.marked() == []


def test_one_that_is_true_now_waits_for_the_next_crossing(ada: Reader) -> None:
    alert = rung(ada)
    assert again(ada, alert).alert.state == "waiting"
    assert len(ada.site.services.triggers.page(ada.uid)[0]) == 1


def test_asked_again_nothing_changes(ada: Reader) -> None:
    alert = rung(ada)
    first = again(ada, alert).alert
    ada.site.price(80)
    second = again(ada, alert)
    assert (second.is_new, second.alert) == (False, first)


def test_nothing_is_fetched_where_there_is_nothing_to_arm(ada: Reader) -> None:
    alert = ada.alert()
    asked = len(ada.site.market.asked)
    assert not again(ada, alert).is_new
    assert len(ada.site.market.asked) == asked


@pytest.mark.parametrize("frequency", ["daily", "every"])
def test_one_that_arms_itself_is_left_alone(ada: Reader, frequency: str) -> None:
    alert = rung(ada, frequency=frequency)
    assert not again(ada, alert, 1).is_new
    assert not again(ada, alert, 2).is_new
    assert stored(ada, alert) == alert


def test_an_old_message_does_not_wake_what_has_rung_again_since(ada: Reader) -> None:
    alert = rung(ada)
    ada.site.price(80)
    again(ada, alert)
    ada.site.services.arming.pause(ada.uid, alert.id, ada.site.at)
    before = stored(ada, alert)
    found = again(ada, alert, 1)
    assert (found.is_new, found.is_open, found.alert) == (False, False, before)
    assert again(ada, alert, 2).is_new, "the message of its own epoch resumes it"
    assert stored(ada, alert).state == "armed"


def test_an_expiry_that_is_over_is_dropped_and_another_kept(ada: Reader) -> None:
    site = ada.site
    alert = rung(ada, expires_at=site.at + timedelta(days=1))
    site.later(days=2)
    site.price(80)
    assert again(ada, alert).alert.expires_at is None
    until = site.at + timedelta(days=9)
    other = ada.alert(expires_at=until)
    site.services.arming.pause(ada.uid, other.id, site.at)
    assert again(ada, other).alert.expires_at == until


def test_an_expired_one_rings_again(ada: Reader) -> None:
    alert = ada.alert(expires_at=ada.site.at + timedelta(days=1))
    ada.site.later(days=2)
    assert ada.site.services.arming.expire(ada.uid, alert.id, ada.site.at)
    ada.site.price(100)
    assert again(ada, alert).alert.state == "armed"


def test_without_a_quote_nothing_is_done(ada: Reader) -> None:
    alert = rung(ada)
    before = stored(ada, alert)
    ada.site.jobs._fetch = None
    ada.site.later(days=1)
    have_no_patience(ada.site)
    with pytest.raises(NoQuote):
        again(ada, alert)
    assert stored(ada, alert) == before


def test_a_symbol_that_is_gone_is_told(ada: Reader) -> None:
    alert = rung(ada)
    before = stored(ada, alert)
    del ada.site.market.quotes_of["AAPL"]
    ada.site.services.redis.flushdb()
    ada.site.later(days=1)
    with pytest.raises((UnknownSymbol, NoQuote)):
        again(ada, alert)
    assert stored(ada, alert) == before


def test_two_at_the_same_moment_arm_it_once(ada: Reader) -> None:
    alert = rung(ada)
    ada.site.price(80)
    again_at = Barrier(2)
    found: list[Follow] = []

    def press() -> None:
        again_at.wait()
        found.append(again(ada, alert))

    threads = [Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.alert.epoch for one in found] == [2, 2]
    assert stored(ada, alert).epoch == 2


def test_what_changes_while_quotes_are_fetched_is_left_as_its_owner_made_it(
    ada: Reader, site: Site
) -> None:
    alert = rung(ada)
    changed = alert.replace(epoch=5, note="mine")

    class Meanwhile:
        def to_arm(self, *_: object) -> object:
            site.services.store.write(Update(alert.path, changed.fields()))
            return object()

    services = site.services
    follow_ups = FollowUps(services.alerts, services.arming, Meanwhile())  # type: ignore[arg-type]
    found = follow_ups.ring_again(ada.uid, alert.id, 1, site.at)
    assert (found.is_new, found.alert) == (False, changed)


def test_a_deleted_one_is_not_found(ada: Reader) -> None:
    alert = rung(ada)
    ada.site.services.arming.delete(ada.uid, alert.id, ada.site.at)
    with pytest.raises(NotFound):
        again(ada, alert)
