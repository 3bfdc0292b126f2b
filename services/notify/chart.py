"""The small chart of a mail: the closes of the last sessions, and the price at the ring.

Pure: bars in, a PNG out. It stands on a ground of its own, so that it reads in light and dark.
Three inks in five strengths and the ground are sixteen colours, which are four bits a pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from io import BytesIO
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

from PIL import Image, ImageChops, ImageDraw, ImageFont

from services.alerts.units import MINUS, number
from services.figures import day_of_year
from services.market.models import Bar
from services.texts import gettext as _

SESSIONS = 30
FEWEST = 2
"""Closes, below which there is nothing to see."""
WIDTH, HEIGHT = 520, 160
"""As shown; the picture has twice as many pixels each way."""
_SIZE = (2 * WIDTH, 2 * HEIGHT)
_LEFT, _TOP, _BOTTOM = 28, 62, 226
_DATES_AT = _SIZE[1] - 27
_GAP, _APART = 22, 38
_SMALL, _LARGE = 31, 36
_STRENGTHS = 5
Ink: TypeAlias = Literal["line", "level", "words"]
_INKS: dict[Ink, tuple[int, int, int]] = {
    "line": (29, 79, 145),
    "level": (138, 84, 0),
    "words": (84, 88, 94),
}
_GROUND = (246, 245, 241)
_Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Course:
    """The daily bars before the ring's `session`, the `price` at the ring, and the `level` of an
    alert on prices; all in one currency and in the same shares."""

    bars: Sequence[Bar]
    price: float
    session: date
    level: float | None = None

    @property
    def prices(self) -> list[float]:
        return [*(bar.close for bar in self.bars[-SESSIONS:]), self.price]

    @property
    def first(self) -> date:
        return self.bars[-SESSIONS:][0].session


def described(symbol: str, course: Course) -> str:
    """What the picture shows, for those who do not see it."""
    prices = course.prices
    facts = {
        "symbol": symbol,
        "count": len(prices) - 1,
        "day": day_of_year(course.first),
        "first": number(prices[0]),
        "last": number(course.price),
        "low": number(min(prices)),
        "high": number(max(prices)),
    }
    if course.level is None:
        return _(
            "%(symbol)s, %(count)s closes since %(day)s: from %(first)s to %(last)s at the ring,"
            " low %(low)s, high %(high)s.",
            **facts,
        )
    return _(
        "%(symbol)s, %(count)s closes since %(day)s: from %(first)s to %(last)s at the ring,"
        " low %(low)s, high %(high)s, the level at %(level)s.",
        level=number(course.level),
        **facts,
    )


def draw(course: Course) -> bytes:
    """A PNG, twice WIDTH by twice HEIGHT. Raises ValueError for less than FEWEST bars."""
    if len(course.bars) < FEWEST:
        raise ValueError(f"{len(course.bars)} bars are no course.")
    return _Drawing(course).png()


class _Drawing:
    """A layer for each ink, as strengths from 0 to 255."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._layers: dict[Ink, Image.Image] = {ink: Image.new("L", _SIZE) for ink in get_args(Ink)}
        self._pens = {ink: ImageDraw.Draw(layer) for ink, layer in self._layers.items()}
        shown = [number(price) for price in (course.price, course.level) if price is not None]
        room = max(_font(_LARGE).getlength(_written(text)) for text in shown)
        self._right = _SIZE[0] - _LEFT - _GAP - int(room)

    def png(self) -> bytes:
        self._draw_level()
        self._draw_course()
        self._draw_extremes()
        self._draw_dates()
        self._draw_labels()
        file = BytesIO()
        self._merged().save(file, "PNG", bits=4)
        return file.getvalue()

    @property
    def _points(self) -> list[_Point]:
        prices = self._course.prices
        step = (self._right - _LEFT) / (len(prices) - 1)
        return [(_LEFT + i * step, self._y(price)) for i, price in enumerate(prices)]

    def _y(self, price: float) -> float:
        level = self._course.level
        scale = [*self._course.prices, *([] if level is None else [level])]
        low, high = min(scale), max(scale)
        share = (price - low) / (high - low) if high > low else 0.5
        return _BOTTOM - share * (_BOTTOM - _TOP)

    def _draw_level(self) -> None:
        if self._course.level is None:
            return
        y = self._y(self._course.level)
        for x in range(_LEFT, self._right, 18):
            self._pens["level"].rectangle((x, y - 1, min(x + 10, self._right), y + 1), fill=255)

    def _draw_course(self) -> None:
        """Twice as large, and made smaller: that smooths its edges."""
        large = Image.new("L", (2 * _SIZE[0], 2 * _SIZE[1]))
        pen, points = ImageDraw.Draw(large), [(2 * x, 2 * y) for x, y in self._points]
        for one, other in pairwise(points):
            pen.line((one, other), fill=255, width=9)
            pen.circle(other, 4, fill=255)
        pen.circle(points[-1], 17, fill=255)
        self._layers["line"].paste(large.reduce(2))

    def _draw_extremes(self) -> None:
        prices, points = self._course.prices, self._points
        for name, price, below in ((_("High"), max(prices), False), (_("Low"), min(prices), True)):
            x, y = points[prices.index(price)]
            text = f"{name} {number(price)}"
            self._write_at("words", text, x, y + 29 if below else y - 29)

    def _draw_dates(self) -> None:
        self._write_at("words", day_of_year(self._course.first), 0, _DATES_AT)
        self._write_at("words", day_of_year(self._course.session), self._right, _DATES_AT)

    def _draw_labels(self) -> None:
        """The price and the level, beside where they are, and not one upon the other."""
        price, level = self._course.price, self._course.level
        at = self._y(price)
        if level is not None:
            beside = self._y(level)
            apart = max(0.0, _APART - abs(at - beside)) / 2
            upward = -apart if price >= level else apart
            self._label("level", level, beside - upward)
            at += upward
        self._label("line", price, at)

    def _label(self, ink: Ink, price: float, y: float) -> None:
        place = (self._right + _GAP, y)
        self._pens[ink].text(place, _written(number(price)), 255, _font(_LARGE), anchor="lm")

    def _write_at(self, ink: Ink, text: str, x: float, y: float) -> None:
        """Centred there, as far as there is room; dashes leave it room."""
        font, text = _font(_SMALL), _written(text)
        half = font.getlength(text) / 2
        x = min(max(x, _LEFT + half), self._right + _GAP / 2 - half)
        self._pens["level"].rectangle((x - half - 6, y - 16, x + half + 6, y + 16), fill=0)
        self._pens[ink].text((x, y), text, 255, font, anchor="mm")

    def _merged(self) -> Image.Image:
        """Each strength of each ink is a colour; where two meet, the later ink is above."""
        merged = Image.new("L", _SIZE)
        for layer, colours in zip(self._layers.values(), _COLOURS, strict=True):
            merged = ImageChops.lighter(merged, layer.point(colours))
        merged.putpalette(_PALETTE)
        return merged


def _palette() -> list[int]:
    colours = [_GROUND]
    for ink in _INKS.values():
        for strength in range(1, _STRENGTHS + 1):
            share = strength / _STRENGTHS
            mixed = [round(g + (i - g) * share) for g, i in zip(_GROUND, ink, strict=True)]
            colours.append((mixed[0], mixed[1], mixed[2]))
    return [part for colour in colours for part in colour]


_PALETTE = _palette()
_COLOURS = [
    [first + -(-_STRENGTHS * v // 255) if v else 0 for v in range(256)]
    for first in range(0, _STRENGTHS * len(_INKS), _STRENGTHS)
]


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType.")
    return font


def _written(text: str) -> str:
    """In the letters that the font has."""
    return text.replace(MINUS, "-")
