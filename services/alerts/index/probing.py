"""What settled alerts say to the ways of many metrics at once."""

import struct
from collections.abc import Iterator, Sequence

from services.alerts.ahead import answers
from services.alerts.index.edges import EDGES, NO_EDGES, Edges
from services.alerts.index.entries import QUIET, Probe, Verdict
from services.alerts.index.keys import WATCHED, base_of
from services.alerts.index.levels import level_text
from services.alerts.index.scripts import PIPELINE, Scripted

PROBES_A_CALL = 1_000


class Probing(Scripted):
    """The question with which a check begins, so that quiet symbols cost next to nothing."""

    def probe(self, probes: Sequence[Probe]) -> list[Verdict]:
        """What the settled alerts say to what metrics covered, in the order of the probes."""
        verdicts = [QUIET] * len(probes)
        doubtful = []
        for place, edges in self._not_quiet(probes):
            seen, possible = probes[place].seen, probes[place].possible
            verdicts[place] = edges.verdict_on(seen)
            if seen != possible:
                doubtful.append(place)
        for place in self._undecided(probes, doubtful):
            verdicts[place] = verdicts[place]._replace(undecided=True)
        return verdicts

    def _not_quiet(self, probes: Sequence[Probe]) -> Iterator[tuple[int, Edges]]:
        """The places of probes that come near an edge. Written for speed: most do not."""
        starts = range(0, len(probes), PROBES_A_CALL)
        batches = [probes[start : start + PROBES_A_CALL] for start in starts]
        looks = (["HMGET", WATCHED, *[f"{p[0]}:{p[1]}" for p in batch]] for batch in batches)
        for start, batch, found in zip(starts, batches, answers(self._redis, looks), strict=True):
            edges = struct.iter_unpack(EDGES, b"".join([one or NO_EDGES for one in found]))
            for place, ((_, _, seen, possible), numbers) in enumerate(
                zip(batch, edges, strict=True), start
            ):
                rise, fall, waits_rise, waits_fall = numbers
                low, high = seen.low, seen.high
                if low > high:
                    low, high = high, low
                if possible is not seen:
                    low, high = min(low, possible.low), max(high, possible.high)
                if rise <= high or fall >= low or waits_rise >= low or waits_fall <= high:
                    yield place, Edges(*numbers)

    def _undecided(self, probes: Sequence[Probe], places: Sequence[int]) -> Iterator[int]:
        for start in range(0, len(places), PIPELINE):
            batch = places[start : start + PIPELINE]
            args = (arg for place in batch for arg in _undecided_args(probes[place]))
            found = self._run("undecided", *args)
            yield from (place for place, is_so in zip(batch, found, strict=True) if is_so)


def _undecided_args(probe: Probe) -> tuple[str, ...]:
    seen, possible = probe.seen, probe.possible
    numbers = (seen.low, seen.high, possible.low, possible.high)
    return (base_of(probe.symbol, probe.metric), *map(level_text, numbers))
