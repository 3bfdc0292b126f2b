"""What settled alerts say to the ways of many metrics at once."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from services.alerts.ahead import answers
from services.alerts.index.edges import EDGES, NO_EDGES, Edges
from services.alerts.index.entries import QUIET, Probe, Verdict
from services.alerts.index.keys import WATCHED, base_of
from services.alerts.index.levels import level_text
from services.alerts.index.scripts import PIPELINE, Scripted

PROBES_A_CALL = 1_000


class Probing(Scripted):
    """The question with which a check begins, so that quiet symbols cost next to nothing."""

    def probe(self, probe: Probe) -> Verdict:
        """What the settled alerts say to what a metric covered."""
        return next((verdict for _, verdict in self.loud([probe])), QUIET)

    def loud(self, probes: Sequence[Probe]) -> Iterator[tuple[Probe, Verdict]]:
        """Those of the probes that are not quiet, in their order, while Redis looks at the next."""
        starts = range(0, len(probes), PROBES_A_CALL)
        batches = [probes[start : start + PROBES_A_CALL] for start in starts]
        looks = (["HMGET", WATCHED, *[f"{p[0]}:{p[1]}" for p in batch]] for batch in batches)
        for batch, found in zip(batches, answers(self._redis, looks), strict=True):
            near = list(_near_an_edge(batch, found))
            undecided = self._undecided([probe for probe, _ in near if probe.is_doubtful])
            for probe, edges in near:
                is_so = probe.is_doubtful and next(undecided)
                if any(verdict := edges.verdict_on(probe.seen, undecided=is_so)):
                    yield probe, verdict

    def _undecided(self, probes: Sequence[Probe]) -> Iterator[bool]:
        for start in range(0, len(probes), PIPELINE):
            batch = probes[start : start + PIPELINE]
            found = self._run("undecided", *chain.from_iterable(map(_undecided_args, batch)))
            yield from map(bool, found)


def _near_an_edge(
    probes: Sequence[Probe], found: Iterable[bytes | None]
) -> Iterator[tuple[Probe, Edges]]:
    """Written for speed: most are not."""
    edges = struct.iter_unpack(EDGES, b"".join([one or NO_EDGES for one in found]))
    for probe, numbers in zip(probes, edges, strict=True):
        _, _, seen, possible = probe
        rise, fall, waits_rise, waits_fall = numbers
        low, high = seen.low, seen.high
        if low > high:
            low, high = high, low
        if possible is not seen:
            low, high = min(low, possible.low), max(high, possible.high)
        if rise <= high or fall >= low or waits_rise >= low or waits_fall <= high:
            yield probe, Edges(*numbers)


def _undecided_args(probe: Probe) -> tuple[str, ...]:
    seen, possible = probe.seen, probe.possible
    numbers = (seen.low, seen.high, possible.low, possible.high)
    return (base_of(probe.symbol, probe.metric), *map(level_text, numbers))
