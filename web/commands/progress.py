"""How far a long command is: a bar on a terminal, nothing where nobody looks."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from services.errors import StoreError
from services.store.transfer.compare import Passed, Source


@contextmanager
def bar(phase: str, places: Sequence[Source], done: int = 0) -> Iterator[Passed]:
    """A bar with rate and time left, over all documents of `places` but for those `done`."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    begun, behind = time.monotonic(), 0

    def passed(documents: int) -> None:
        nonlocal behind
        behind += documents
        rate = behind / max(time.monotonic() - begun, 0.001)
        shown.update(documents, f"{rate:,.0f} documents/s")

    with click.progressbar(
        length=_size_of(places, done),
        label=f"{phase:<9}",
        file=sys.stderr,
        show_pos=True,
        update_min_steps=500,
        item_show_func=lambda rate: rate,
    ) as shown:
        yield passed


def _size_of(places: Sequence[Source], done: int) -> int | None:
    try:
        return max(sum(place.size() for place in places) - done, 0)
    except StoreError:  # the bar can do without; what keeps on failing, the copy itself tells
        return None
