"""Prices as people read them. Pure."""

import math

_SIGNIFICANT = 7
"""Digits that sources mean; what floats add behind them is noise (244.60000610351562)."""


def price_text(value: float) -> str:
    """A finite price with at least 2 decimals and what it has beyond them, up to 7 digits in
    all; thousands by commas."""
    magnitude = math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:,.{max(2, _SIGNIFICANT - 1 - magnitude)}f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
