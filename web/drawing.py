"""The evidence of a trigger as a drawing: how the price came to the level, and what two checks
saw of it. Pure: facts in, SVG out.

From left to right: the closes of the days before, the time between the two checks as a band with
the lowest and highest value in it, and the closes that have come since. Places across are per
cents, so that the drawing fits any width and its words keep their size.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from markupsafe import Markup

from services.alerts import units
from services.store.triggers import Trigger
from services.texts import gettext as _
from services.texts import ngettext

FEWEST = 2
"""Closes, below which there is no course to see."""
_APART = 16
"""Pixels between two labels, one above the other."""


class Close(NamedTuple):
    session: date
    price: float


class Around(NamedTuple):
    """The closes before the session of a ring and after it, in its shares; none where they are
    not at hand."""

    before: tuple[Close, ...] = ()
    after: tuple[Close, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn, all in one unit: `low` to `high` is what was seen between two checks,
    `touched` how far it went, `then` where it was when the second one looked."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    level: float | None
    low: float | None
    high: float | None
    touched: float | None
    then: float | None
    text: Callable[[float], str]

    @property
    def values(self) -> list[float]:
        single = (self.level, self.low, self.high, self.touched, self.then)
        return [*self.before, *self.after, *(value for value in single if value is not None)]


class Size(NamedTuple):
    """Pixels down, per cents across: what the band takes, where what comes after it begins, and
    where all ends."""

    name: str
    height: int
    band: float
    later: float
    end: float


SMALL = Size("small", 132, 12, 58, 70)
LARGE = Size("large", 260, 12, 68, 80)


class Columns(NamedTuple):
    """Per cents across: where the band between the two checks begins, and where it ends."""

    begin: float
    end: float

    @property
    def middle(self) -> float:
        return (self.begin + self.end) / 2


def columns(picture: Picture, size: Size) -> Columns:
    """In the middle, if there is nothing before it; at the end, if there is nothing after it."""
    if not picture.before:
        middle = size.end / 2
        return Columns(middle - size.band, middle + size.band)
    end = size.later if picture.after else size.end
    return Columns(end - size.band, end)


def picture_of(trigger: Trigger, around: Around) -> Picture:
    """In prices, where the metric can be told in them or there is a course to see; else in the
    metric's own unit."""
    before = tuple(day.price for day in around.before) if len(around.before) >= FEWEST else ()
    after = tuple(day.price for day in around.after) if before else ()
    in_price = _in_price(trigger, before)
    if in_price is None and before:
        return Picture(before, after, None, None, None, None, trigger.price, units.number)
    if in_price is None:
        metric, currency = trigger.condition.target.metric, trigger.currency

        def say(value: float) -> str:
            return units.value_text(metric, value, currency)

        ends = (trigger.low, trigger.high)
        return Picture((), (), trigger.level, *ends, trigger.value, None, say)
    low, high = sorted((in_price(trigger.low), in_price(trigger.high)))
    level, touched = in_price(trigger.level), in_price(trigger.value)
    return Picture(before, after, level, low, high, touched, trigger.price, units.number)


def _in_price(trigger: Trigger, before: Sequence[float]) -> Callable[[float], float] | None:
    """How a value of the trigger's metric becomes a price; None where it does not."""
    metric, peak = trigger.condition.target.metric, trigger.peak
    if metric in units.PRICES:
        return float
    if metric == "day-change" and before:
        return lambda value: before[-1] * (1 + value / 100)
    if metric == "drawdown" and peak:
        return lambda value: peak * (1 - value / 100)
    if metric == "run-up" and peak:
        return lambda value: peak * (1 + value / 100)
    return None


def drawing(
    trigger: Trigger, around: Around, size: Size, say_day: Callable[[date], str], ring_day: str
) -> Markup:
    """The SVG. `say_day` writes a session of `around` in short, `ring_day` when it rang."""
    picture = picture_of(trigger, around)
    parts = _Pen(picture, size)
    first = say_day(around.before[0].session) if picture.before else ""
    return Markup(
        '<svg class="evidence-drawing {}" width="100%" height="{}" role="img" aria-label="{}">'
        "{}{}{}{}{}{}</svg>"
    ).format(
        size.name,
        size.height,
        described(trigger.symbol, picture),
        parts.band(),
        parts.level(),
        parts.course(),
        parts.dots(),
        parts.labels(),
        parts.dates(first, ring_day),
    )


def described(symbol: str, picture: Picture) -> str:
    """What is to be seen, for those who do not see it."""
    say, said = picture.text, [f"{symbol}."]
    if picture.before:
        said.append(_closes_before(len(picture.before), say(picture.before[-1])))
    if picture.level is not None:
        said.append(_("Level %(price)s.", price=say(picture.level)))
    if picture.low is not None and picture.high is not None and picture.touched is not None:
        said.append(
            _(
                "Between two checks from %(low)s to %(high)s; it went to %(price)s.",
                low=say(picture.low),
                high=say(picture.high),
                price=say(picture.touched),
            )
        )
    if picture.then is not None:
        said.append(_("%(price)s when it was noticed.", price=say(picture.then)))
    if picture.after:
        said.append(_closes_after(len(picture.after), say(picture.after[-1])))
    return " ".join(said)


def _closes_before(count: int, price: str) -> str:
    return ngettext(
        "One close before it, at %(price)s.",
        "%(num)s closes before it, the last at %(price)s.",
        count,
        price=price,
    )


def _closes_after(count: int, price: str) -> str:
    return ngettext(
        "One close after it, at %(price)s.",
        "%(num)s closes after it, the last at %(price)s.",
        count,
        price=price,
    )


class _Pen:
    """Puts values at their heights and times at their widths."""

    def __init__(self, picture: Picture, size: Size) -> None:
        self._picture = picture
        self._size = size
        self._top, self._bottom = 12.0, size.height - 34.0
        self._low, self._high = min(picture.values), max(picture.values)
        self._columns = columns(picture, size)

    def _y(self, value: float) -> float:
        span = self._high - self._low
        share = (value - self._low) / span if span > 0 else 0.5
        return round(self._bottom - share * (self._bottom - self._top), 1)

    def band(self) -> Markup:
        """The time between the two checks, and what was seen in it."""
        picture, begin = self._picture, self._columns.begin
        width = self._columns.end - begin
        ground = Markup(
            '<rect class="drawing-between" x="{}%" y="0" width="{}%" height="{}"/>'
        ).format(begin, width, self._bottom + 8)
        if picture.low is None or picture.high is None:
            return ground
        top, bottom = self._y(picture.high), self._y(picture.low)
        seen = Markup('<rect class="drawing-seen" x="{}%" y="{}" width="{}%" height="{}"/>').format(
            begin, top - 1, width, max(2.0, round(bottom - top, 1) + 2)
        )
        return ground + seen

    def level(self) -> Markup:
        if self._picture.level is None:
            return Markup("")
        y = self._y(self._picture.level)
        return Markup('<line class="drawing-level" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(y)

    def course(self) -> Markup:
        """The closes up to the first check, on to where it was noticed, and what came after."""
        before, after = self._picture.before, self._picture.after
        begin, checked = self._columns
        step = begin / (len(before) - 1) if before else 0
        days = [(i * step, self._y(value)) for i, value in enumerate(before)]
        steps = self._steps()
        end = steps[-1] if steps else days[-1]
        wide = (self._size.end - checked) / max(1, len(after))
        later = [(checked + (i + 1) * wide, self._y(value)) for i, value in enumerate(after)]
        paths = [("price", [*days, *steps])] + ([("after", [end, *later])] if later else [])
        return Markup(
            '<svg viewBox="0 0 1000 {0}" width="100%" height="{0}" preserveAspectRatio="none">'
            "{1}</svg>"
        ).format(self._size.height, Markup("").join(_path(name, points) for name, points in paths))

    def _steps(self) -> list[tuple[float, float]]:
        """Where it was touched, and where it was when that was noticed."""
        picture = self._picture
        places = ((self._columns.middle, picture.touched), (self._columns.end, picture.then))
        return [(x, self._y(value)) for x, value in places if value is not None]

    def dots(self) -> Markup:
        picture = self._picture
        found = Markup("")
        if picture.then is not None:
            found += _dot("noticed", self._columns.end, self._y(picture.then), 3.5)
        if picture.touched is not None:
            found += _dot("touch", self._columns.middle, self._y(picture.touched), 5.5)
        return found

    def labels(self) -> Markup:
        """The numbers that count, at their heights, and not one upon the other."""
        picture, say = self._picture, self._picture.text
        wanted = [("level", picture.level), ("noticed", picture.then)]
        if picture.then is None:
            wanted.append(("touch", picture.touched))
        if picture.before:
            wanted.append(("previous", picture.before[-1]))
        texts: dict[str, tuple[str, float]] = {}
        for name, value in wanted:
            if value is not None:
                texts.setdefault(say(value), (name, self._y(value)))
        names = [(name, text, y) for text, (name, y) in texts.items()]
        names.sort(key=lambda one: one[2])
        heights = apart([y for *_, y in names], self._top, self._bottom, _APART)
        return Markup("").join(
            Markup('<text class="drawing-text {}" x="100%" y="{}">{}</text>').format(name, y, text)
            for (name, text, _), y in zip(names, heights, strict=True)
        )

    def dates(self, first: str, ring_day: str) -> Markup:
        """The first day, and that of the ring, at the bottom."""
        y = self._size.height - 6
        ring = _date("middle", self._columns.middle, y, ring_day)
        return _date("start", 0, y, first) + ring if first else ring


def apart(wanted: Sequence[float], top: float, bottom: float, least: float) -> list[float]:
    """Heights in order, moved as little as is simple, so that none is nearer than `least`."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(y, placed[-1] + least) if placed else max(y, top))
    limit = bottom
    for i in range(len(placed) - 1, -1, -1):
        placed[i] = round(min(placed[i], limit), 1)
        limit = placed[i] - least
    return placed


def _date(anchor: str, x: float, y: float, text: str) -> Markup:
    return Markup('<text class="drawing-date {}" x="{}%" y="{}">{}</text>').format(
        anchor, round(x, 2), y, text
    )


def _path(name: str, points: Iterable[tuple[float, float]]) -> Markup:
    line = " ".join(f"{10 * x:.1f} {y}" for x, y in points)
    return Markup('<path class="drawing-{}" d="M{}" vector-effect="non-scaling-stroke"/>').format(
        name, line
    )


def _dot(name: str, x: float, y: float, radius: float) -> Markup:
    return Markup('<circle class="drawing-{}" cx="{}%" cy="{}" r="{}"/>').format(
        name, round(x, 2), y, radius
    )
