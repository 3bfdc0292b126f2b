"""Prices as people read them. Pure."""


def price_text(value: float) -> str:
    """A price with 2 decimals from 1 on, and 4 significant digits below; thousands by commas."""
    if value == 0:
        return "0.00"
    if abs(value) >= 1:
        text = f"{value:,.4f}".rstrip("0")
        whole, _, decimals = text.partition(".")
        return f"{whole}.{decimals.ljust(2, '0')}"
    return f"{value:.8f}".rstrip("0") if abs(value) < 0.01 else f"{value:.4f}"
