"""Levels on their way into Redis' scripts and back."""

from collections.abc import Iterable

from services.redis_client import text_of


def level_text(level: float) -> str:
    """A level as text that Redis reads back as the same number."""
    return repr(float(level))


def peak_text(peak: float | None) -> str:
    return "" if peak is None else level_text(peak)


def pairs_of(flat: Iterable[object]) -> list[tuple[str, float]]:
    """(member, level) from Redis' flat list of both."""
    texts = [text_of(item) for item in flat]
    return list(zip(texts[::2], map(float, texts[1::2]), strict=True))
