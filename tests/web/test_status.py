"""The page that tells everybody how the site fares, and the banner when alerts are not checked."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest

from services.errors import StoreUnavailable
from services.market.cache import QuoteCache
from services.pulse import CheckDone, Pulse
from services.store.system import CheckerState, Shard, System
from tests.web.conftest import Reader
from tests.web.test_errors import failing, lose_redis


def checked(reader: Reader, at: datetime | None = None, **more: int) -> None:
    done = CheckDone(completed_at=at or reader.site.at, **more)  # type: ignore[arg-type]
    Pulse(reader.site.services.redis).note_check(Shard(), done)


def told(reader: Reader) -> str:
    """The text of the page, with a space for each tag."""
    answer = reader.get("/status")
    assert answer.status_code == 200
    text = unescape(re.sub(r"<[^>]+>", " ", answer.text)).replace("\N{NO-BREAK SPACE}", " ")
    return " ".join(text.split())


def test_it_tells_of_the_last_check_and_the_next(anybody: Reader) -> None:
    checked(anybody, symbols=37, seconds=4, unseen=1, asleep=30)
    anybody.site.later(minutes=2)
    said = told(anybody)
    assert "Everything works" in said
    assert "Last check 2 min ago" in said
    assert "37 symbols 30 of closed exchanges" in said
    assert "Without a sound price 1 symbol" in said
    assert f"Next check {anybody.site.at + timedelta(minutes=3):%H:%M} UTC" in said


def test_checks_that_are_overdue_are_the_worst(anybody: Reader) -> None:
    checked(anybody)
    QuoteCache(anybody.site.services.redis).failed("yahoo", "Yahoo is away.", anybody.site.at)
    anybody.site.later(minutes=16)
    said = told(anybody)
    assert "Alerts are not checked" in said
    assert "Next check overdue" in said


def test_delayed_quotes_are_told_with_the_reason(anybody: Reader) -> None:
    checked(anybody)
    QuoteCache(anybody.site.services.redis).failed("yahoo", "Yahoo is away.", anybody.site.at)
    said = told(anybody)
    assert "Quotes are delayed" in said
    assert "Yahoo is away." in said


def test_deliveries_of_the_last_hour_are_counted_by_way(anybody: Reader) -> None:
    checked(anybody)
    pulse = Pulse(anybody.site.services.redis)
    for channel in ("webhook", "apprise", "email"):
        pulse.note_delivery(channel, "sent", anybody.site.at)
    pulse.note_delivery("push", "failed", anybody.site.at)
    said = told(anybody)
    assert "Mail 1 0 0 –" in said
    assert "Push 0 0 1 –" in said
    assert "Chats, webhooks 2 0 0 –" in said


def test_after_redis_was_emptied_the_store_knows_the_last_check(anybody: Reader) -> None:
    state = CheckerState(completed_at=anybody.site.at)
    System(anybody.site.services.store).save_checker("yahoo", state)
    assert "Last check just now" in told(anybody)


def test_while_checks_are_known_the_store_is_not_asked(
    anybody: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(anybody)
    monkeypatch.setattr(
        anybody.site.services.store, "get", failing(StoreUnavailable("It was asked."))
    )
    assert "Everything works" in told(anybody)


def test_a_site_that_never_checked_says_so(anybody: Reader) -> None:
    assert "No check is known yet" in told(anybody)


def test_without_redis_the_page_says_that_the_state_is_not_known(anybody: Reader) -> None:
    lose_redis(anybody.site)
    answer = anybody.get("/status")
    assert answer.status_code == 503
    assert "The state is not known" in answer.text


def test_it_is_the_same_for_all_and_makes_no_session(anybody: Reader, ada: Reader) -> None:
    checked(anybody)
    answer = ada.get("/status")
    assert "ada@" not in answer.text
    assert "Set-Cookie" not in anybody.get("/status").headers


def test_every_page_leads_to_it(anybody: Reader, ada: Reader) -> None:
    assert 'href="/status"' in anybody.get("/").text
    assert 'href="/status"' in ada.get("/account").text


def test_a_banner_tells_who_is_signed_in_that_alerts_are_not_checked(ada: Reader) -> None:
    checked(ada)
    ada.site.later(minutes=10)
    assert "have not been checked" not in ada.page("/account")
    ada.site.later(minutes=6)
    said = ada.page("/account")
    assert "Alerts have not been checked since" in said
    checked(ada)
    ada.site.later(minutes=1)
    assert "have not been checked" not in ada.page("/account")
