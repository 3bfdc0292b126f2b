"""Rule 6: an alert ends at its expiry, once everything before it was looked at."""

from datetime import datetime, timedelta

import pytest

from services.alerts.expiry import Expiry
from services.alerts.index import ArmedIndex
from services.alerts.intervals import STALE_AFTER
from services.store.alerts import Alert
from services.store.contract import Update
from tests.support.bell import Bell

DAY = timedelta(days=1)


def ending(bell: Bell, checked: datetime | None) -> int:
    """How many end when every symbol was checked until then."""
    expiry = Expiry(bell.services.store, bell.services.arming, lambda _: checked)
    return expiry.run(bell.at)


def until_tomorrow(bell: Bell, **options: object) -> Alert:
    return bell.alert("price_rises_to", 110, expires_at=bell.at + DAY, **options)


def test_it_ends_after_a_check_has_passed_its_expiry(bell: Bell) -> None:
    alert, lasting = until_tomorrow(bell), bell.alert("price_rises_to", 110)
    bell.later(24 * 60 + 30)
    assert ending(bell, bell.at) == 1
    assert bell.now_of(alert).state == "expired"
    assert bell.now_of(lasting).state == "armed"
    assert [name.split("/")[1] for name in ArmedIndex(bell.services.redis).fresh("AAPL")] == [
        lasting.id
    ]
    assert ending(bell, bell.at) == 0


def test_it_does_not_end_before_its_time(bell: Bell) -> None:
    until_tomorrow(bell)
    assert ending(bell, bell.at) == 0


@pytest.mark.parametrize("behind", [None, timedelta(0), STALE_AFTER - timedelta(seconds=1)])
def test_it_does_not_end_while_prices_before_its_expiry_are_not_looked_at(
    bell: Bell, behind: timedelta | None
) -> None:
    alert = until_tomorrow(bell)
    assert alert.expires_at
    bell.later(7 * 24 * 60)
    assert ending(bell, alert.expires_at + behind if behind is not None else None) == 0
    assert ending(bell, alert.expires_at + STALE_AFTER) == 1


def test_a_paused_one_ends_at_once_and_a_triggered_one_never(bell: Bell) -> None:
    paused, waiting = until_tomorrow(bell), until_tomorrow(bell)
    bell.services.arming.pause(bell.uid, paused.id, bell.at)
    rang = bell.alert("price_rises_to", 90, expires_at=bell.at + DAY, if_true="fire_now")
    bell.later(2 * 24 * 60)
    assert ending(bell, None) == 1
    assert bell.now_of(paused).state == "expired"
    assert bell.now_of(waiting).state == "armed"
    assert bell.now_of(rang).state == "triggered"


def test_more_than_a_page_of_them_ends_and_those_behind_hold_up_none(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.store.alerts.EXPIRY_PAGE", 3)
    bell.price(50, symbol="MSFT")
    for number in range(5):
        bell.alert("price_rises_to", 60 + number, symbol="MSFT", expires_at=bell.at + DAY)
        until_tomorrow(bell)
    bell.later(2 * 24 * 60)
    seen = {"AAPL": bell.at, "MSFT": None}
    expiry = Expiry(bell.services.store, bell.services.arming, seen.__getitem__)
    assert expiry.run(bell.at) == 5
    states = {a.symbol: a.state for a in bell.services.alerts.page(bell.uid)[0]}
    assert states == {"AAPL": "expired", "MSFT": "armed"}


def test_one_that_cannot_be_read_holds_up_no_other(bell: Bell) -> None:
    broken, alert = until_tomorrow(bell), until_tomorrow(bell)
    bell.services.store.write(Update(broken.path, {"from_the_future": 1}))
    bell.later(2 * 24 * 60)
    assert ending(bell, bell.at) == 1
    assert bell.now_of(alert).state == "expired"


def test_one_whose_expiry_was_put_off_meanwhile_goes_on(bell: Bell) -> None:
    alert = until_tomorrow(bell)
    bell.later(2 * 24 * 60)
    bell.services.arming.amend(bell.uid, alert.id, bell.at, expires_at=bell.at + DAY)
    assert not bell.services.arming.expire(bell.uid, alert.id, bell.at)
    assert bell.now_of(alert).state == "armed"
