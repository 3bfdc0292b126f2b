"""What a site of so many people needs and costs, computed from what was measured.

    python -m bench.sizing

Prints the tables of docs/operations/sizing.md, which a test holds against this. Each figure of
MEASURED names the benchmark that gave it: measure anew on your machine, and change it here.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.cost import ALERTS, DAYS, DOLLARS, FREE, PAGES, PEOPLE, SWEEPS_A_CHECK, dollars
from config import Settings
from services.store.billing import Kind

SITES = (100, 1_000, 10_000)
CHECKS_A_DAY = 288
PEAK_SHARE = 1 / 3
"""Of a day's pages, in its busiest hour."""
ARMED_EACH = 20
"""Alerts that wait, of one person."""
SYMBOLS = {100: 500, 1_000: 2_000, 10_000: 10_000}
"""How many different ones people watch; big sites share more of them."""
SYMBOLS_A_REQUEST = 100
BURST_SECONDS = 100.0
"""Where everybody rings in one check, all mails shall leave within a third of the interval."""


@dataclass(frozen=True)
class Measured:
    """Figures of benchmarks; sizes in MB (2^20 bytes) of PSS, rates a second."""

    reads: int = 30_731
    writes: int = 16_288
    """A day of 1,000 people (bench-cost)."""
    mails: tuple[tuple[int, float], ...] = ((1, 60.7), (2, 111.8), (4, 116.6))
    """By number of workers, on two cores (bench-deliver)."""
    bytes_an_armed_alert: int = 79
    """In Redis (bench-check)."""
    web: float = 81.7
    web_arbiter: float = 36.8
    worker: float = 142.0
    worker_on_yahoo: float = 53.2
    """What the imports that ask Yahoo add."""
    clock: float = 44.6
    """bench-memory."""


MEASURED = Measured()
OF_ITSELF: Mapping[Kind, int] = {
    "read": CHECKS_A_DAY * (1 + SWEEPS_A_CHECK),
    "write": CHECKS_A_DAY,
}
"""What checks and sweeps ask in a day, however many people there are."""
REDIS_BASE_MB = 10
KB_A_PERSON, KB_A_SYMBOL = 40, 4
"""In Redis, of pages kept, session and profile; of quotes, drawings and hours. Estimated, high."""
MAX_ALERTS = int(Settings.model_fields["max_alerts"].default)


@dataclass(frozen=True)
class Sizing:
    """What a site of `people` needs."""

    people: int
    measured: Measured = MEASURED

    @property
    def day(self) -> dict[Kind, int]:
        """Documents read and written in a day."""
        measured: Mapping[Kind, int] = {"read": self.measured.reads, "write": self.measured.writes}
        share = self.people / PEOPLE
        own = {kind: of_all - OF_ITSELF[kind] for kind, of_all in measured.items()}
        return {
            "read": round(OF_ITSELF["read"] + own["read"] * share),
            "write": round(OF_ITSELF["write"] + own["write"] * share),
            "delete": 0,
        }

    @property
    def dollars_a_month(self) -> tuple[float, float]:
        """On Firestore, beyond its free tier and without one; documents kept not counted."""
        return dollars(self.day, free=True), dollars(self.day, free=False)

    @property
    def documents_of_a_year(self) -> int:
        """Alerts, of which one person can have MAX_ALERTS, and a trigger a day."""
        return self.people * (min(ALERTS * 365, MAX_ALERTS) + 365)

    @property
    def backup_dollars_a_month(self) -> float:
        """A backup each night after a year: a read for each document, the free ones being used."""
        return DAYS * self.documents_of_a_year / 100_000 * DOLLARS["read"]

    @property
    def requests_a_check(self) -> int:
        return math.ceil(SYMBOLS[self.people] / SYMBOLS_A_REQUEST)

    @property
    def pages_a_second(self) -> float:
        """In the busiest hour."""
        return self.people * PAGES * PEAK_SHARE / 3_600

    @property
    def workers(self) -> int:
        """The fewest measured whose mails leave in BURST_SECONDS; else the most."""
        for workers, _ in self.measured.mails:
            if self.burst_seconds(workers) <= BURST_SECONDS:
                return workers
        return self.measured.mails[-1][0]

    def burst_seconds(self, workers: int) -> float:
        """Until everybody has a mail, where everybody rings in one check."""
        return self.people / dict(self.measured.mails)[workers]

    @property
    def web_processes(self) -> int:
        """One serves more than any of these sites asks; with two, one can be renewed while the
        other serves."""
        return 1 if self.people <= PEOPLE else 2

    @property
    def redis_megabytes(self) -> float:
        alerts = self.people * ARMED_EACH * self.measured.bytes_an_armed_alert
        kept = (self.people * KB_A_PERSON + SYMBOLS[self.people] * KB_A_SYMBOL) * 1024
        return REDIS_BASE_MB + (alerts + kept) / 2**20

    @property
    def megabytes(self) -> float:
        """Of all processes on one machine, Redis among them."""
        m = self.measured
        web = m.web_arbiter + self.web_processes * m.web
        workers = self.workers * (m.worker + m.worker_on_yahoo)
        return web + workers + m.clock + self.redis_megabytes


def tables() -> str:
    """Markdown, as sizing.md has it."""
    sites = [Sizing(people) for people in SITES]
    return "\n".join(_table(("", *(f"{site.people:,} people" for site in sites)), _rows(sites)))


def _rows(sites: Sequence[Sizing]) -> Iterator[tuple[str, ...]]:
    def row(name: str, told: Sequence[str]) -> tuple[str, ...]:
        return name, *told

    yield row("symbols watched (assumed)", [f"{SYMBOLS[s.people]:,}" for s in sites])
    yield row("alerts armed (assumed)", [f"{s.people * ARMED_EACH:,}" for s in sites])
    yield row("requests to the source a check", [f"{s.requests_a_check}" for s in sites])
    yield row("pages a second, busiest hour", [f"{s.pages_a_second:.1f}" for s in sites])
    yield row("web processes", [f"{s.web_processes}" for s in sites])
    yield row("workers", [f"{s.workers}" for s in sites])
    yield row(
        "all ring in one check: the last mail after",
        [f"{s.burst_seconds(s.workers):.0f} s" for s in sites],
    )
    yield row("memory of Redis", [f"{s.redis_megabytes:,.0f} MB" for s in sites])
    yield row("memory of everything", [f"{s.megabytes:,.0f} MB" for s in sites])
    yield row("Firestore reads a day", [f"{s.day['read']:,}" for s in sites])
    yield row("Firestore writes a day", [f"{s.day['write']:,}" for s in sites])
    yield row("dollars a month beyond the free tier", [_price(s.dollars_a_month[0]) for s in sites])
    yield row("without a free tier", [_price(s.dollars_a_month[1]) for s in sites])
    yield row("documents after a year", [f"{s.documents_of_a_year:,}" for s in sites])
    yield row(
        "dollars a month for nightly backups of them, from Firestore",
        [_price(s.backup_dollars_a_month) for s in sites],
    )


def _price(amount: float) -> str:
    return f"{amount:.2f}"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def main() -> None:
    print(tables())
    free = ", ".join(f"{count:,} {kind}s" for kind, count in FREE.items())
    print(f"Free a day: {free}. Dollars for 100,000: {DOLLARS}")


if __name__ == "__main__":
    main()
