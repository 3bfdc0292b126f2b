"""What others have written, as it may stand in a message of ours. Pure."""

import re

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]+")


def plain(text: str, most: int) -> str:
    """On one line of `most` characters, without those that turn or hide what stands around."""
    text = " ".join(_UNPRINTABLE.sub(" ", text).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
