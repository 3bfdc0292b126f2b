"""What a migration is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from services.store.contract import Fields

Change: TypeAlias = Callable[[Fields], Fields | None]


@dataclass(frozen=True, slots=True)
class Migration:
    """`change` is given the fields of each document of the collection group `group`, and returns
    those to replace, None where there are none."""

    number: int
    says: str
    group: str
    change: Change
