"""The table of docs/security.md: no requirement is missing, and what it names is there."""

import re
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/security.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if re.match(r"\| \d+\.\d+\.\d+", line)
]
STANDARD = re.findall(
    r"\S+",
    """
1.1.1 1.1.2 1.1.3 1.1.4 1.1.5 1.1.6 1.1.7 1.2.1 1.2.2 1.2.3 1.2.4 1.4.1 1.4.4 1.4.5 1.5.1 1.5.2
1.5.3 1.5.4 1.6.1 1.6.2 1.6.3 1.6.4 1.7.1 1.7.2 1.8.1 1.8.2 1.9.1 1.9.2 1.10.1 1.11.1 1.11.2
1.12.2 1.14.1 1.14.2 1.14.3 1.14.4 1.14.5 1.14.6 2.1.1 2.1.2 2.1.3 2.1.4 2.1.5 2.1.6 2.1.7 2.1.8
2.1.9 2.1.10 2.1.11 2.1.12 2.2.1 2.2.2 2.2.3 2.3.1 2.3.2 2.3.3 2.4.1 2.4.2 2.4.3 2.4.4 2.4.5 2.5.1
2.5.2 2.5.3 2.5.4 2.5.5 2.5.6 2.5.7 2.6.1 2.6.2 2.6.3 2.7.1 2.7.2 2.7.3 2.7.4 2.7.5 2.7.6 2.8.1
2.8.2 2.8.3 2.8.4 2.8.5 2.8.6 2.8.7 2.9.1 2.9.2 2.9.3 2.10.1 2.10.2 2.10.3 2.10.4 3.1.1 3.2.1
3.2.2 3.2.3 3.2.4 3.3.1 3.3.2 3.3.3 3.3.4 3.4.1 3.4.2 3.4.3 3.4.4 3.4.5 3.5.1 3.5.2 3.5.3 3.7.1
4.1.1 4.1.2 4.1.3 4.1.5 4.2.1 4.2.2 4.3.1 4.3.2 4.3.3 5.1.1 5.1.2 5.1.3 5.1.4 5.1.5 5.2.1 5.2.2
5.2.3 5.2.4 5.2.5 5.2.6 5.2.7 5.2.8 5.3.1 5.3.2 5.3.3 5.3.4 5.3.5 5.3.6 5.3.7 5.3.8 5.3.9 5.3.10
5.4.1 5.4.2 5.4.3 5.5.1 5.5.2 5.5.3 5.5.4 6.1.1 6.1.2 6.1.3 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6
6.3.1 6.3.2 6.4.1 6.4.2 7.1.1 7.1.2 7.1.3 7.1.4 7.2.1 7.2.2 7.3.1 7.3.3 7.3.4 7.4.1 7.4.2 7.4.3
8.1.1 8.1.2 8.1.3 8.1.4 8.2.1 8.2.2 8.2.3 8.3.1 8.3.2 8.3.3 8.3.4 8.3.5 8.3.6 8.3.7 8.3.8 9.1.1
9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 9.2.4 10.2.1 10.2.2 10.3.1 10.3.2 10.3.3 11.1.1 11.1.2 11.1.3 11.1.4
11.1.5 11.1.6 11.1.7 11.1.8 12.1.1 12.1.2 12.1.3 12.2.1 12.3.1 12.3.2 12.3.3 12.3.4 12.3.5 12.3.6
12.4.1 12.4.2 12.5.1 12.5.2 12.6.1 13.1.1 13.1.3 13.1.4 13.1.5 13.2.1 13.2.2 13.2.3 13.2.5 13.2.6
13.3.1 13.3.2 13.4.1 13.4.2 14.1.1 14.1.2 14.1.3 14.1.4 14.2.1 14.2.2 14.2.3 14.2.4 14.2.5 14.2.6
14.3.2 14.3.3 14.4.1 14.4.2 14.4.3 14.4.4 14.4.5 14.4.6 14.4.7 14.5.1 14.5.2 14.5.3 14.5.4
""",
)
"""Levels 1 and 2 of ASVS 4.0.3; the numbers that are not here are of level 3, or were given up."""
_ID = r"\d+\.\d+\.\d+"


def ids(cell: str) -> list[str]:
    """`1.1.1, 1.1.3–1.1.5 words`: the numbers that the standard has of these."""
    listed = re.match(rf"{_ID}(?:(?:, |–){_ID})*", cell)
    assert listed, cell
    return list(chain.from_iterable(_between(part) for part in listed[0].split(", ")))


def _between(part: str) -> list[str]:
    first, _, last = part.partition("–")
    assert first in STANDARD, first
    assert not last or last in STANDARD, last
    return STANDARD[STANDARD.index(first) : STANDARD.index(last or first) + 1]


def test_every_requirement_stands_in_the_table_once() -> None:
    assert sorted(chain.from_iterable(ids(row[0]) for row in ROWS)) == sorted(STANDARD)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].split(" ")[0])
def test_a_row_says_how_far_and_why_and_names_what_is_there(row: list[str]) -> None:
    _, met, where, proof = row
    assert met in "✓◐✗–"
    assert where or proof or met == "✗"
    proofs, places = re.findall(r"`([^`]+)`", proof), re.findall(r"`([^`]+)`", where)
    assert [one for one in proofs if not _is_proof(one)] == []
    named = [one for one in places if re.fullmatch(r"[.\w-]+(/[\w.-]+)+/?|\w+\.(py|yaml)", one)]
    assert [one for one in named if not (ROOT / one).exists()] == []


def _is_proof(name: str) -> bool:
    if name.startswith("make "):
        return f"\n{name[5:]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    return (ROOT / "tests" / name).is_file()
