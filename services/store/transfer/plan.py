"""What a copy is asked to do, and how it tells how far it is."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from services.errors import StoreUnavailable
from services.store.transfer.compare import Comparison, Passed, Source, compare


class Names(NamedTuple):
    """How people call the two places."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Consent:
    """What may happen to documents that the target holds before a copy begins.

    overwrite: those that differ from the source's. delete: those that the source lacks.
    """

    overwrite: bool = False
    delete: bool = False

    def __post_init__(self) -> None:
        if self.delete and not self.overwrite:
            raise ValueError("To delete is to allow overwriting, too.")


class Progress(Protocol):
    """Shows how far a phase is in which all documents of `places` pass, but for those `done`."""

    def __call__(
        self, phase: str, places: Sequence[Source], done: int = 0
    ) -> AbstractContextManager[Passed]: ...


def compare_unasked(source: Source, target: Source, names: Names, progress: Progress) -> Comparison:
    """The comparison with a target that may not be overwritten, if nothing need be.

    Raises StoreUnavailable where the two are not equal.
    """
    with progress("Comparing", [source, target]) as passed:
        result = compare(source, target, passed)
    if not result.equal:
        raise _refusal(names, result)
    return result


def _refusal(names: Names, found: Comparison) -> StoreUnavailable:
    verdict, path = found.first[0]
    how = {"missing": "lacks", "extra": "holds, other than the source,", "differs": "differs at"}
    return StoreUnavailable(
        f"{names.target} holds documents already, and not those of {names.source}: it"
        f" {how[verdict]} {path}. Name an empty target, or see what differs with `flask store"
        " compare` and overwrite it with --into-existing."
    )
