"""Every kind of condition in words, with its level and values in their unit."""

import pytest
from pydantic import TypeAdapter

from services.alerts import phrases, units
from services.alerts.conditions import KINDS, Condition

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
SAID = [
    ({"kind": "price_rises_to", "level": 200}, "AAPL rises to 200.00 USD"),
    (
        {"kind": "price_falls_to", "level": -5.5, "extended": True},
        "AAPL falls to −5.50 USD, in extended hours too",
    ),
    ({"kind": "day_change_rises_to", "level": 5}, "AAPL is up by 5 % today"),
    ({"kind": "day_change_falls_to", "level": -2.5}, "AAPL is down by 2.5 % today"),
    ({"kind": "day_change_falls_to", "level": 1}, "AAPL falls to +1 % today"),
    ({"kind": "moves_by", "percent": 3, "window": "1h"}, "AAPL moves by 3 % within 1 hour"),
    (
        {"kind": "moves_by", "percent": 3, "window": "15m", "direction": "down"},
        "AAPL falls by 3 % within 15 minutes",
    ),
    ({"kind": "falls_from_peak", "percent": 10}, "AAPL falls from its high by 10 %"),
    ({"kind": "rises_from_trough", "percent": 10}, "AAPL rises from its low by 10 %"),
    ({"kind": "new_high"}, "AAPL makes a new 52-week high"),
    ({"kind": "new_low", "span": "20d"}, "AAPL makes a new 20-day low"),
    (
        {"kind": "crosses_average", "average": "ema", "days": 50, "direction": "up"},
        "AAPL crosses above its 50-day exponential average",
    ),
    (
        {"kind": "averages_cross", "direction": "down"},
        "AAPL makes a death cross (50-day below 200-day average)",
    ),
    ({"kind": "rsi_rises_to", "level": 70}, "AAPL RSI(14) rises to 70"),
    ({"kind": "rsi_falls_to", "level": 30}, "AAPL RSI(14) falls to 30"),
    ({"kind": "volume_reaches", "ratio": 2}, "AAPL volume reaches 2× its average"),
    ({"kind": "earnings_within", "days": 5}, "AAPL reports earnings within 5 days"),
    ({"kind": "earnings_within", "days": 0}, "AAPL reports earnings today"),
]


def plain(text: str) -> str:
    return text.replace(units.THIN, " ")


def test_every_kind_is_here() -> None:
    assert {fields["kind"] for fields, _ in SAID} == KINDS


@pytest.mark.parametrize(("fields", "said"), SAID)
def test_a_condition_reads_as_a_sentence(fields: dict[str, object], said: str) -> None:
    condition = CONDITION.validate_python(fields)
    assert plain(phrases.headline("AAPL", condition, "USD")) == said


@pytest.mark.parametrize(("fields", "_said"), SAID)
def test_every_kind_has_words_for_all_places(fields: dict[str, object], _said: str) -> None:
    condition = CONDITION.validate_python(fields)
    for text in (
        phrases.brief(condition),
        phrases.arms_once(condition, None, "USD"),
        phrases.arms_once(condition, 0.9, "USD"),
        phrases.present(condition, 1.5, "USD"),
        units.metric_text(condition.target.metric),
    ):
        assert text
        assert "  " not in text


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("price", 25.37, "25.37 USD"),
        ("day-change", -5.2, "−5.2 %"),
        ("day-change", 5.2, "+5.2 %"),
        ("sma:200", 1.013, "1.3 % above"),
        ("high:52w", 0.98, "2 % below"),
        ("low:20d", 1.0, "level with it"),
        ("rsi:14", 29.444, "29.44"),
        ("volume", 2.1, "2.1×"),
        ("earnings", 1.0, "1 day"),
        ("move:1h", 3.0, "3 %"),
        ("drawdown", 10.25, "10.25 %"),
    ],
)
def test_a_value_has_the_unit_of_its_metric(metric: str, value: float, text: str) -> None:
    assert plain(units.value_text(metric, value, "USD")) == text


@pytest.mark.parametrize(
    ("fields", "value", "text"),
    [
        ({"kind": "price_rises_to", "level": 103.2}, 100, "3.2 %"),
        ({"kind": "price_falls_to", "level": -5}, 10, "150.0 %"),
        ({"kind": "price_rises_to", "level": 100}, 100, ""),
        ({"kind": "price_falls_to", "level": -90}, 0, ""),
        ({"kind": "day_change_falls_to", "level": -5}, -1.5, "3.5 points"),
        ({"kind": "rsi_falls_to", "level": 30}, 42, "12.0 points"),
        ({"kind": "crosses_average", "days": 50, "direction": "up"}, 0.98, "2.0 %"),
        ({"kind": "volume_reaches", "ratio": 2}, 1.2, "0.8×"),
        ({"kind": "earnings_within", "days": 5}, 9, "4 days"),
    ],
)
def test_the_distance_to_a_level(fields: dict[str, object], value: float, text: str) -> None:
    assert plain(phrases.to_go(CONDITION.validate_python(fields), value)) == text


@pytest.mark.parametrize(
    ("fields", "rearm_at", "text"),
    [
        (
            {"kind": "price_rises_to", "level": 200},
            199.0,
            "Arms once the price has gone back below 199.00 USD.",
        ),
        (
            {"kind": "rsi_falls_to", "level": 30},
            30.15,
            "Arms once RSI(14) has gone back above 30.15.",
        ),
        (
            {"kind": "crosses_average", "days": 200, "direction": "up"},
            0.995,
            "Arms once the price has gone back 0.5 % below its 200-day average.",
        ),
    ],
)
def test_what_arms_again_is_said(fields: dict[str, object], rearm_at: float, text: str) -> None:
    assert plain(phrases.arms_once(CONDITION.validate_python(fields), rearm_at, "USD")) == text


@pytest.mark.parametrize(
    ("days", "text"), [(200, "200th"), (21, "21st"), (22, "22nd"), (13, "13th")]
)
def test_too_little_history_is_said(days: int, text: str) -> None:
    fields = {"kind": "averages_cross", "fast": 5, "slow": days, "direction": "up"}
    assert f"the {text} session" in phrases.too_little(CONDITION.validate_python(fields))
