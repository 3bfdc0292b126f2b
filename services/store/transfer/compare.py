"""Two places side by side, document by document, in constant memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from services.store.contract import Document
from services.store.paths import key_of
from services.store.transfer.bookmark import without_bookmark
from services.store.transfer.digest import Tally, digest_of, text_of

SHOWN = 20
"""Differing paths that a comparison names."""

Verdict: TypeAlias = Literal["missing", "extra", "differs"]
Place: TypeAlias = tuple[str, Document | None, Document | None]
"""A path, and the documents that two stores have there."""
Passed: TypeAlias = Callable[[int], None]
"""Is told of every so many more documents that went by."""


class Source(Protocol):
    """What documents can be read from: a store or a file."""

    def all(self, after: str | None = None) -> Iterator[Document]:
        """Every document by path, from behind `after`."""

    def size(self) -> int:
        """How many documents there are."""


@dataclass(slots=True)
class Comparison:
    """What became of comparing a place `b` with a place `a`.

    `first` names the first differing paths: missing in b, extra in b, or there with other fields.
    """

    a: Tally = field(default_factory=Tally)
    b: Tally = field(default_factory=Tally)
    missing: int = 0
    extra: int = 0
    differing: int = 0
    first: list[tuple[Verdict, str]] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not (self.missing or self.extra or self.differing)

    def add(self, verdict: Verdict, path: str) -> None:
        self.missing += verdict == "missing"
        self.extra += verdict == "extra"
        self.differing += verdict == "differs"
        if len(self.first) < SHOWN:
            self.first.append((verdict, path))


def compare(a: Source, b: Source, passed: Passed) -> Comparison:
    """Compare all documents by digest; `passed` is told of those of both places."""
    result = Comparison()
    for path, of_a, of_b in side_by_side(a.all(), b.all()):
        one, other = _tallied(result.a, of_a), _tallied(result.b, of_b)
        passed((of_a is not None) + (of_b is not None))
        if one != other:
            result.add(_verdict(of_a, of_b), path)
    return result


def side_by_side(a: Iterable[Document], b: Iterable[Document]) -> Iterator[Place]:
    """The paths of both in order, each with the documents there."""
    left, right = without_bookmark(a), without_bookmark(b)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        path = _first_path(one, other)
        here = one if one and one.path == path else None
        there = other if other and other.path == path else None
        yield path, here, there
        one = next(left, None) if here else one
        other = next(right, None) if there else other


def _first_path(*heads: Document | None) -> str:
    return min((document.path for document in heads if document is not None), key=key_of)


def _tallied(tally: Tally, document: Document | None) -> bytes | None:
    if document is None:
        return None
    digest = digest_of(text_of(document))
    tally.add(digest)
    return digest


def _verdict(of_a: Document | None, of_b: Document | None) -> Verdict:
    if of_b is None:
        return "missing"
    return "extra" if of_a is None else "differs"
