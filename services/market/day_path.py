"""The way a replayed price takes through one trading day. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

MINUTES = 390
"""Minutes of a session, 09:30 to 16:00. A multiple of three: no minute spans a corner."""
_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Stretch:
    """Open, high, low, close and volume of a part of a day."""

    open: float
    high: float
    low: float
    close: float
    volume: int


@dataclass(frozen=True, slots=True)
class DayPath:
    """A day's four prices joined by straight lines, each a third of the day long.

    A day that closes at or above its open goes open, low, high, close; any other goes
    open, high, low, close. `done` is the part of the day that has passed, 0 to 1.
    """

    open: float
    high: float
    low: float
    close: float
    volume: int

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """The prices at 0, 1/3, 2/3 and 1."""
        if self.close >= self.open:
            return self.open, self.low, self.high, self.close
        return self.open, self.high, self.low, self.close

    def price(self, done: float) -> float:
        """The price at `done`, to the cent; corners are met exactly."""
        corners, thirds = self.corners, done * 3
        line = int(thirds)
        if thirds == line:
            return corners[line]
        start, end = corners[line], corners[line + 1]
        price = round(start + (end - start) * (thirds - line), _DECIMALS)
        return max(min(start, end), min(max(start, end), price))

    def so_far(self, done: float) -> Stretch:
        """The day from its open to `done`."""
        price = self.price(done)
        passed = (*self.corners[: int(done * 3) + 1], price)
        return Stretch(self.open, max(passed), min(passed), price, int(self.volume * done))

    def minutes(self, done: float) -> Iterator[tuple[int, Stretch]]:
        """(minute of the day, its stretch) from the first minute to the running one."""
        for minute in range(MINUTES):
            begins, ends = minute / MINUTES, min((minute + 1) / MINUTES, done)
            if minute and ends <= begins:
                return
            yield minute, self._stretch(begins, ends)

    def _stretch(self, begins: float, ends: float) -> Stretch:
        start, end = self.price(begins), self.price(ends)
        volume = int(self.volume * ends) - int(self.volume * begins)
        return Stretch(start, max(start, end), min(start, end), end, volume)
