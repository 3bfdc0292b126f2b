"""The edges that `armed:watched` keeps of a base's four ladders. Pure."""

import struct
from math import inf
from typing import Final, NamedTuple

from services.alerts.index.entries import Verdict
from services.alerts.intervals import Span

EDGES: Final = "<dddd"
NO_EDGES: Final = struct.pack(EDGES, inf, -inf, -inf, inf)


class Edges(NamedTuple):
    """Of the four ladders of a pair, the levels that are reached (crossed) first."""

    armed_rise: float
    armed_fall: float
    waiting_rise: float
    waiting_fall: float

    def verdict_on(self, seen: Span, *, undecided: bool) -> Verdict:
        return Verdict(
            reached=self.armed_rise <= seen.high or self.armed_fall >= seen.low,
            crossed=self.waiting_rise > seen.low or self.waiting_fall < seen.high,
            undecided=undecided,
        )
