"""The index's keys in Redis."""

from typing import Final

WATCHED: Final = "armed:watched"
FRESH: Final = "armed:fresh"
MARKED: Final = "armed:marked"
BUILT_FOR: Final = "armed:built-for"
BUILDER: Final = "armed:builder"
FIRED: Final = "fired"
FAMILIES: Final = ("armed:*", "waiting:*", "fresh:*", "peaks:*")
"""Patterns of all keys of the index, but for the stream of what it fired."""


def base_of(symbol: str, metric: str) -> str:
    return f"{symbol}:{metric}"


def fresh_key(symbol: str) -> str:
    return f"fresh:{symbol}"


def peaks_key(symbol: str, metric: str) -> str:
    return f"peaks:{symbol}:{metric}"


def pair_of(base: str) -> tuple[str, str]:
    """The symbol and the metric of a base, which may be a cohort's."""
    symbol, _, metric = base.partition(":")
    return symbol, metric.partition("@")[0]
