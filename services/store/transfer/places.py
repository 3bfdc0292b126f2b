"""Places that hold documents: `sqlite:PATH`, `firestore:PROJECT[/DATABASE]` and `file:PATH`."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.errors import InvalidInput, StoreUnavailable
from services.store import store_in_file, store_of_project
from services.store.contract import Store
from services.store.transfer.archive import Archive
from services.store.transfer.bookmark import check_complete
from services.store.transfer.compare import Comparison, compare
from services.store.transfer.copy import copy
from services.store.transfer.export import export
from services.store.transfer.plan import Consent, Names, Progress

_FIRESTORE = re.compile(r"[a-z][a-z0-9.:-]+(/[a-z][a-z0-9-]+)?")
_DEFAULT = "(default)"
AT_ONCE = {"sqlite": 1, "firestore": 4}  # SQLite has one writer; Firestore waits on the network
_FORMS = "A place is sqlite:PATH, firestore:PROJECT, firestore:PROJECT/DATABASE or file:PATH."


@dataclass(frozen=True, slots=True)
class Access:
    """What reaching Firestore takes beside the project's name: as in the settings."""

    credentials_base64: str = ""
    emulator_host: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A place by its scheme and its path or project; two that are equal are one."""

    scheme: str
    location: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.location}"


def read_place(text: str) -> Place:
    """The place that `text` names. Raises InvalidInput."""
    scheme, _, location = text.partition(":")
    if scheme in ("sqlite", "file") and location and "\0" not in location:
        return Place(scheme, str(Path(location).expanduser().resolve()))
    if scheme == "firestore" and _FIRESTORE.fullmatch(location.removesuffix(f"/{_DEFAULT}")):
        return Place(scheme, location.removesuffix(f"/{_DEFAULT}"))
    raise InvalidInput("place", f"{text!r} is none. {_FORMS}")


def check_apart(one: Place, other: Place) -> None:
    """Raises InvalidInput where the two are in one place."""
    paths = {place.location for place in (one, other) if place.scheme != "firestore"}
    if one == other or (len(paths) == 1 and "firestore" not in (one.scheme, other.scheme)):
        raise InvalidInput("place", f"{one} and {other} are the same place. Name two.")


def copy_between(
    source: Place, target: Place, access: Access, consent: Consent, progress: Progress
) -> Comparison:
    """Make the target hold what the source holds, and compare the two.

    Raises InvalidInput, or StoreError with the remedy.
    """
    check_apart(source, target)
    names = Names(str(source), str(target))
    with _source(source, access) as documents:
        if not isinstance(documents, Archive):
            check_complete(documents, names.source)
        if target.scheme == "file":
            return export(documents, Path(target.location), names, consent, progress)
        with closing(open_place(target, access)) as store:
            at_once = AT_ONCE[target.scheme]
            return copy(documents, store, names, consent, progress, at_once=at_once)


def compare_between(a: Place, b: Place, access: Access, progress: Progress) -> Comparison:
    """Compare every document of two places. Raises InvalidInput, or StoreError with the remedy."""
    check_apart(a, b)
    with (
        _source(a, access) as one,
        _source(b, access) as other,
        progress("Comparing", [one, other]) as passed,
    ):
        return compare(one, other, passed)


@contextmanager
def _source(place: Place, access: Access) -> Iterator[Store | Archive]:
    """What is to be read at `place`, which must be there and whole."""
    if place.scheme == "file":
        yield Archive(Path(place.location))
        return
    if place.scheme == "sqlite" and not Path(place.location).exists():
        raise StoreUnavailable(
            f"There is no database at {place.location}. See that it is named right."
        )
    with closing(open_place(place, access)) as store:
        yield store


def open_place(place: Place, access: Access) -> Store:
    """The store at `place`, which is no file. Raises StoreUnavailable over credentials."""
    if place.scheme == "sqlite":
        return store_in_file(Path(place.location))
    project, _, database = place.location.partition("/")
    return store_of_project(
        project, database or _DEFAULT, access.credentials_base64, access.emulator_host
    )
