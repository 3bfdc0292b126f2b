"""Numbers and times as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from web import words

NOW = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.234, "+1.23 %"),
        (-0.5, "\N{MINUS SIGN}0.50 %"),
        (0.001, "±0.00 %"),
        (1234.5, "+1,234.50 %"),
    ],
)
def test_a_change_has_its_sign(value: float, text: str) -> None:
    assert words.percent(value).replace(words.THIN, " ") == text


@pytest.mark.parametrize(
    ("value", "trend"),
    [(0.01, "up"), (-0.01, "down"), (0.004, "flat"), (-0.004, "flat"), (None, "flat")],
)
def test_the_shape_of_a_change_agrees_with_the_rounded_number(
    value: float | None, trend: str
) -> None:
    assert words.trend(value) == trend


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0 K"),
        (12_345_678, "12.3 M"),
        (999_600, "1.0 M"),
        (812_345_678, "812 M"),
        (2_411_000_000, "2.4 B"),
        (5_000_000_000_000, "5.0 T"),
    ],
)
def test_a_volume_has_three_digits(count: int, text: str) -> None:
    assert words.compact(count).replace(words.THIN, " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "now"), (59, "now"), (60, "1 min"), (7_300, "2 h"), (200_000, "2 d")]
)
def test_the_age_of_a_quote(seconds: int, text: str) -> None:
    assert words.age(timedelta(seconds=seconds)).replace(words.HARD, " ") == text


@pytest.mark.parametrize(
    ("moment", "zone", "text"),
    [
        (NOW - timedelta(minutes=5), "UTC", "23:25"),
        (NOW - timedelta(minutes=35), "Europe/Berlin", "2 Mar, 23:55"),
        (datetime(2000, 9, 29, 13, 42, tzinfo=UTC), "America/New_York", "29 Sep 2000, 09:42"),
    ],
)
def test_a_time_names_its_day_unless_that_is_the_reader_s_today(
    moment: datetime, zone: str, text: str
) -> None:
    assert words.clock(moment, zone, NOW) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(2.0, "2:1"), (1.5, "3:2"), (0.1, "1:10"), (7.0, "7:1")]
)
def test_a_split_is_told_as_new_shares_for_old(ratio: float, text: str) -> None:
    assert words.split_ratio(ratio) == text


@pytest.mark.parametrize(
    ("currency", "unit"), [("GBp", "p"), ("USD", "USD"), ("ZAc", "c"), ("", "")]
)
def test_minor_units_have_their_own_sign(currency: str, unit: str) -> None:
    assert words.unit(currency) == unit
