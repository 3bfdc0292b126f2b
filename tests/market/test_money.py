import pytest

from services.market.money import price_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (200.0, "200.00"),
        (29.8, "29.80"),
        (244.60000610351562, "244.60"),
        (1.05482, "1.05482"),
        (96077.45, "96,077.45"),
        (715_930.0, "715,930.00"),
        (1_234_567.89, "1,234,567.89"),
        (0.00000123, "0.00000123"),
        (5e-10, "0.0000000005"),
        (0.999999, "0.999999"),
        (0.5, "0.50"),
        (-37.63, "-37.63"),
        (0.0, "0.00"),
        (1e12, "1,000,000,000,000.00"),
    ],
)
def test_a_price_reads_as_its_source_means_it(value: float, text: str) -> None:
    assert price_text(value) == text
