"""How much the tests repeat: what every change has time for; `make test-thorough` does all."""

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
THOROUGH = os.environ.get("THOROUGH") == "1"


def times(thorough: int, otherwise: int) -> int:
    """How many examples, sequences or rounds."""
    return thorough if THOROUGH else otherwise


def some(cases: Sequence[T], otherwise: int) -> Sequence[T]:
    """The cases of a test, or the first of them."""
    return cases if THOROUGH else cases[:otherwise]
