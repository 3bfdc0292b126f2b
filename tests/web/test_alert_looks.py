"""What the editor tells of an alert before it is set."""

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from services.errors import SourceUnavailable
from services.market.cache import QuoteCache
from services.market.models import Bar
from tests.support.market import MONDAY
from tests.support.web import Site
from tests.web.conftest import Reader, have_no_patience, words
from web.look import day_text
from web.picture import picture_of
from web.usual_alerts import USUAL

ABOVE = {"symbol": "AAPL", "kind": "price_rises_to", "level": "105", "frequency": "every"}


def bar(days_ago: int, price: float) -> Bar:
    start = MONDAY.replace(hour=5) - timedelta(days=days_ago)
    ends = {"open": price, "high": price, "low": price, "close": price}
    return Bar(start=start, session=start.date(), volume=100, **ends)


@pytest.fixture
def past(site: Site, redis: Redis) -> Site:
    """AAPL rose to 105 on 20 and 26 February 2026, and trades at 100; MSFT has no past."""
    site.jobs.run_market(site.market, QuoteCache(redis), lambda: site.at, redis)
    rises = {10: 106.0, 4: 105.0}
    site.market.bars_of["AAPL", "1d"] = [bar(n, rises.get(n, 100.0)) for n in range(1_400, 0, -1)]
    return site


def look(reader: Reader, **fields: Any) -> TestResponse:
    return reader.send("/alerts/look", **{**ABOVE, **fields})


def test_a_look_tells_when_it_would_have_rung(past: Site, ada: Reader) -> None:
    answer = look(ada)
    assert answer.status_code == 200
    text = words(answer)
    assert "It would have rung 2 times in the past year, last on 26 February 2026." in text
    assert "20 February 2026 106.00 USD" in text
    assert answer.text.count('class="year-ring"') == 2
    assert 'data-level="105.0"' in answer.text


def test_a_look_tells_where_the_price_is_and_how_far_it_has_to_go(past: Site, ada: Reader) -> None:
    text = words(look(ada))
    assert "AAPL AAPL Inc. now 100.00 USD" in text
    assert "5.0 % to go" in text


def test_a_look_tells_that_once_is_once(past: Site, ada: Reader) -> None:
    assert "done after the first" in words(look(ada, frequency="once"))
    assert "done after the first" not in words(look(ada))


def test_a_look_asks_about_what_is_true_already(past: Site, ada: Reader) -> None:
    text = words(look(ada, level="90"))
    assert "AAPL is at 100.00 USD now, so that is true already." in text
    assert "Wait for the next crossing" in text
    assert "Set the alert" not in text


def test_what_stands_as_it_was_set_is_not_asked_about(past: Site, ada: Reader) -> None:
    alert = ada.alert(level=90, if_true="wait")
    assert "true already" not in words(look(ada, level="90", alert=alert.id))
    assert "true already" in words(look(ada, level="91", alert=alert.id))
    assert "Save changes" in words(look(ada, level="90", alert=alert.id))


def test_a_look_at_another_s_alert_tells_nothing_of_it(
    past: Site, ada: Reader, bob: Reader
) -> None:
    alert = ada.alert(level=90, if_true="wait")
    assert "Save changes" not in words(look(bob, level="90", alert=alert.id))


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("1,000.50", "Write 1000.50 without the comma."),
        ("１００", "Write 100 with the plain digits 0 to 9."),
        ("1e308", "Write a plain number"),
        ("NaN", "Write a plain number"),
        ("-5", "more than 0"),
    ],
)
def test_a_look_tells_what_is_wrong_with_a_level(
    past: Site, ada: Reader, level: str, said: str
) -> None:
    answer = look(ada, level=level)
    assert answer.status_code == 200
    assert said in words(answer)
    assert 'class="year-line"' in answer.text


def test_a_blank_that_is_not_filled_yet_is_no_fault(past: Site, ada: Reader) -> None:
    answer = look(ada, level="")
    assert 'id="fault' not in answer.text
    assert "Fill the blanks to see when it would have rung" in words(answer)


@pytest.mark.parametrize("symbol", ["", "NOPE", "<script>alert(1)</script>", "x" * 5_000, "\x00"])
def test_a_look_at_any_symbol_is_no_harm(past: Site, ada: Reader, symbol: str) -> None:
    answer = look(ada, symbol=symbol)
    assert answer.status_code == 200
    assert "<script>" not in answer.text


def test_a_symbol_that_is_none_is_answered_with_what_may_be_meant(past: Site, ada: Reader) -> None:
    answer = look(ada, symbol="apple")
    assert "No quotes for APPLE" in words(answer)
    assert 'name="pick" value="AAPL"' in answer.text
    picked = ada.send("/alerts/new", **{**ABOVE, "symbol": "apple"}, note="kept", pick="AAPL")
    assert 'name="symbol" value="AAPL"' in picked.text
    assert "kept" in picked.text


def test_a_symbol_without_a_past_says_so(past: Site, ada: Reader) -> None:
    assert "There is no past of it to look at." in words(look(ada, symbol="MSFT"))


def test_past_earnings_are_said_to_be_unknown(past: Site, ada: Reader) -> None:
    text = words(look(ada, kind="earnings_within", earnings_days="7"))
    assert "Past earnings dates are not known here" in text


def test_a_short_past_is_said_to_begin(past: Site, ada: Reader) -> None:
    past.market.bars_of["AAPL", "1d"] = [bar(n, 100.0) for n in range(40, 0, -1)]
    assert f"since {day_text(bar(40, 1).session)}, where its past begins" in words(look(ada))


def test_what_is_not_there_yet_is_asked_for_again(site: Site, ada: Reader) -> None:
    site.market.error = SourceUnavailable("down")
    have_no_patience(site)
    answer = look(ada, symbol="NEWONE")
    assert answer.status_code == 202
    assert "Asking for a quote" in words(answer)


def test_too_many_looks_are_told_and_the_alert_can_be_set_all_the_same(
    past: Site, ada: Reader
) -> None:
    token = ada.token()
    for _ in range(41):
        answer = ada.client.post("/alerts/look", data={"csrf_token": token, **ABOVE})
    assert answer.status_code == 200
    assert "Too many looks within a minute" in words(answer)
    assert ada.send("/alerts/new", **ABOVE).status_code == 302


def test_words_fill_the_sentence(past: Site, ada: Reader) -> None:
    answer = ada.send("/alerts/look", text="aapl rsi under 30 once a day")
    assert "Understood: AAPL RSI 14 falls to 30, once a day" in words(answer)
    assert "&#34;kind&#34;: &#34;rsi_falls_to&#34;" in answer.text


def test_words_that_are_not_understood_yet_are_no_fault(past: Site, ada: Reader) -> None:
    answer = ada.send("/alerts/look", text="aapl rs")
    assert answer.status_code == 200
    assert words(answer) == ""


def test_nobody_looks_without_signing_in(anybody: Reader) -> None:
    assert anybody.send("/alerts/look", **ABOVE).status_code in (302, 303)


def test_without_scripts_a_button_tells_the_dates(past: Site, ada: Reader) -> None:
    answer = ada.send("/alerts/new", **ABOVE, do="try", note="my words")
    assert answer.status_code == 200
    assert "It would have rung 2 times in the past year" in words(answer)
    assert 'class="year-level"' in answer.text
    assert "my words" in answer.text
    assert ada.site.services.alerts.page(ada.uid)[0] == []


def test_an_alert_that_is_changed_is_tried_before(past: Site, ada: Reader) -> None:
    alert = ada.alert()
    answer = ada.send(f"/alerts/{alert.id}", **{**ABOVE, "symbol": ""}, do="try")
    assert "It would have rung 2 times in the past year" in words(answer)
    assert ada.site.services.alerts.page(ada.uid)[0] == [alert]


@pytest.mark.parametrize("usual", USUAL, ids=lambda usual: usual.name)
def test_each_usual_alert_fills_the_sentence_and_can_be_set(ada: Reader, usual: Any) -> None:
    fields = {"symbol": "AAPL", "note": "kept", "frequency": "every"}
    answer = ada.send("/alerts/new", **fields, usual=usual.name)
    assert answer.status_code == 200
    assert "kept" in answer.text
    blanks = usual.fill(100.0)
    for name in blanks.keys() - {"kind", "span", "average", "average_way"}:
        assert f'name="{name}" value="{blanks[name]}"' in answer.text
    assert f'<option value="{blanks["kind"]}" selected>' in answer.text


def test_a_usual_alert_that_needs_a_price_asks_for_the_symbol(ada: Reader) -> None:
    answer = ada.send("/alerts/new", symbol="", usual="below_now")
    assert "Say first for which symbol." in words(answer)


def test_how_it_rings_is_told_in_a_sentence(ada: Reader) -> None:
    text = ada.page("/alerts/new?symbol=AAPL")
    assert "until you delete it." in text
    assert "Every time, by " in ada.page("/alerts/new?symbol=AAPL&frequency=every")
    text = ada.page("/alerts/new?symbol=AAPL&frequency=daily&expires=2026-12-31")
    assert "At most once a day, by " in text
    assert "until 31 December 2026." in text


def test_an_alert_s_page_draws_where_it_rang(past: Site, ada: Reader) -> None:
    assert "It would have rung" in words(look(ada))
    alert = ada.alert(level=90, if_true="fire_now")
    assert "year-line" in ada.get(f"/alerts/{alert.id}").text


def test_a_level_out_of_sight_presses_nothing_flat() -> None:
    bars = [bar(n, 100.0 + n % 7) for n in range(300, 0, -1)]
    near, far = picture_of(bars, 108.0, []), picture_of(bars, 1e12, [])
    assert near is not None
    assert far is not None
    assert near.level is not None
    assert far.level is None
    assert far.line == picture_of(bars, None, []).line  # type: ignore[union-attr]


@pytest.mark.parametrize("price", [0.00000123, 100.0, 715_930.0, -37.63])
def test_a_flat_year_of_any_price_is_drawn(price: float) -> None:
    drawn = picture_of([bar(n, price) for n in range(250, 0, -1)], price, [])
    assert drawn is not None
    assert drawn.level == 50
    assert drawn.prices


@pytest.mark.parametrize("bars", [[], [bar(1, 100.0)], [bar(2, float("nan")), bar(1, 100.0)]])
def test_less_than_two_closes_are_no_drawing(bars: list[Bar]) -> None:
    assert picture_of(bars, 1.0, []) is None


def test_too_little_past_for_an_average_says_from_when_on_it_counts(
    past: Site, ada: Reader
) -> None:
    past.market.bars_of["AAPL", "1d"] = [bar(n, 100.0) for n in range(40, 0, -1)]
    fields = {"average": "sma", "average_days": "200", "average_way": "up"}
    text = words(look(ada, kind="crosses_average", **fields))
    assert "Counts from the 200th session on." in text
    assert "would not have rung" not in text
