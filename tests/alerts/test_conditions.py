import math

import pytest
from pydantic import ValidationError

from services.alerts.conditions import PriceCondition


def test_touching_the_level_counts_as_reaching_it() -> None:
    assert PriceCondition(kind="price_rises_to", level=200.0).target.reached_by(200.0)
    assert PriceCondition(kind="price_falls_to", level=200.0).target.reached_by(200.0)


def test_the_other_side_of_the_level_is_not_reached() -> None:
    assert not PriceCondition(kind="price_rises_to", level=200.0).target.reached_by(
        math.nextafter(200.0, 0)
    )
    assert not PriceCondition(kind="price_falls_to", level=200.0).target.reached_by(200.01)


def test_a_split_divides_the_level_by_its_ratio() -> None:
    assert PriceCondition(kind="price_falls_to", level=80.0).scaled(2.0).level == 40.0


@pytest.mark.parametrize("level", [math.nan, math.inf, -math.inf, 1e300, True, "200", None])
def test_a_level_must_be_a_finite_number(level: object) -> None:
    with pytest.raises(ValidationError):
        PriceCondition.model_validate({"kind": "price_rises_to", "level": level})


def test_an_unknown_kind_or_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        PriceCondition.model_validate({"kind": "price_dances", "level": 1.0})
    with pytest.raises(ValidationError):
        PriceCondition.model_validate({"kind": "price_rises_to", "level": 1.0, "levle": 2.0})
