"""What an operator is told about sizes and costs is computed from what was measured."""

from dataclasses import replace

import pytest

from bench.cost import PEOPLE
from bench.memory import memory_of, part_of
from bench.sizing import MEASURED, SITES, Sizing, tables
from config import ROOT


def test_the_page_shows_what_is_computed() -> None:
    assert tables() in (ROOT / "docs" / "operations" / "sizing.md").read_text()


def test_the_measured_site_costs_what_was_measured() -> None:
    day = Sizing(PEOPLE).day
    assert (day["read"], day["write"]) == (MEASURED.reads, MEASURED.writes)


def test_what_checks_ask_does_not_grow_with_the_people() -> None:
    """So ten times the people read less than ten times as much."""
    few, many = Sizing(1_000), Sizing(10_000)
    assert 9 * few.day["read"] < many.day["read"] < 10 * few.day["read"]


def test_a_thousand_people_fit_into_the_free_tier_and_ten_thousand_do_not() -> None:
    assert Sizing(1_000).dollars_a_month[0] == 0
    beyond, whole = Sizing(10_000).dollars_a_month
    assert 0 < beyond < whole


def test_workers_are_the_fewest_that_deliver_a_burst_in_time() -> None:
    slow = replace(MEASURED, mails=((1, 10.0), (2, 20.0), (4, 30.0)))
    assert [Sizing(people, slow).workers for people in SITES] == [1, 1, 4]


@pytest.mark.parametrize("people", [100, 1_000])
def test_one_small_machine_holds_it(people: int) -> None:
    assert Sizing(people).megabytes < 512


def test_memory_is_read_as_linux_tells_it() -> None:
    text = "00400000-7fff [rollup]\nRss:    2048 kB\nPss:    1024 kB\nPss_Dirty:  9 kB\n"
    assert memory_of(text) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("python -m gunicorn app:app -c gunicorn.conf.py", "web"),
        ("python -m workers.clock", "clock"),
        ("python -m workers", "worker"),
        ("redis-server 127.0.0.1:6379", "redis"),
        ("python -m local.mailbox 25 var/mail", "mailbox"),
        ("python -m local", "supervisor"),
        ("sleep 1", "other"),
    ],
)
def test_a_process_is_known_by_its_command(command: str, part: str) -> None:
    assert part_of(command.split()) == part
