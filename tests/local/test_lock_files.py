import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.part import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DIRECT = {
    "requirements_production.txt": PROJECT["dependencies"],
    "requirements_local.txt": EXTRAS["local"],
    "requirements_dev.txt": EXTRAS["dev"],
}


def entries(file: str) -> Iterator[tuple[Requirement, list[str]]]:
    """Each pinned requirement of a lock file with its hashes."""
    for entry in (ROOT / file).read_text().replace("\\\n", " ").splitlines():
        pin, *hashes = re.split(r"\s+--hash=", entry.strip())
        yield Requirement(pin), hashes


def names(file: str) -> set[str]:
    return {canonicalize_name(pin.name) for pin, _ in entries(file)}


@pytest.mark.parametrize("file", DIRECT)
def test_every_line_is_one_exact_version_with_hashes(file: str) -> None:
    for pin, hashes in entries(file):
        assert re.fullmatch(r"==[^=*,]+", str(pin.specifier)), pin
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), pin


@pytest.mark.parametrize("file", DIRECT)
def test_no_address_index_or_path_of_a_machine_is_named(file: str) -> None:
    assert not re.search(r"https?:|file:|index-url|find-links|/|@", (ROOT / file).read_text())


@pytest.mark.parametrize("file", DIRECT)
def test_what_pyproject_asks_for_is_locked_in_a_version_it_allows(file: str) -> None:
    pins = {canonicalize_name(pin.name): pin for other in DIRECT for pin, _ in entries(other)}
    for text in DIRECT[file]:
        wanted = Requirement(text)
        pin = pins[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(str(pin.specifier).removeprefix("=="))


def test_no_package_is_in_two_lock_files() -> None:
    production, local, dev = map(names, DIRECT)
    assert not production & local
    assert not (production | local) & dev
