"""The alerts that people set most, to be filled in by one tap."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from services.figures import typed
from services.market.money import price_text

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Usual:
    """`fill` gives the blanks of the form; one that takes the present price knows no other."""

    name: str
    label: Any
    blanks: Fields | Callable[[float], Fields]

    def fill(self, price: float | None) -> Fields | None:
        """Its blanks; None where it needs a price, and there is none."""
        if not callable(self.blanks):
            return self.blanks
        return self.blanks(price) if price else None


def _below(percent: float) -> Callable[[float], Fields]:
    def fill(price: float) -> Fields:
        level = typed(price_text(price * (1 - percent / 100)).replace(",", ""))
        return {"kind": "price_falls_to", "level": level}

    return fill


USUAL = (
    Usual("down_today", _l("Falls 5 % today"), {"kind": "day_change_falls_to", "change": "5"}),
    Usual("up_today", _l("Rises 5 % today"), {"kind": "day_change_rises_to", "change": "5"}),
    Usual("below_now", _l("10 % below now"), _below(10)),
    Usual("off_high", _l("10 % below its high"), {"kind": "falls_from_peak", "trail": "10"}),
    Usual("new_high", _l("New 52-week high"), {"kind": "new_high", "span": "52w"}),
    Usual("new_low", _l("New 52-week low"), {"kind": "new_low", "span": "52w"}),
    Usual(
        "above_average",
        _l("Crosses its 200-day average"),
        {
            "kind": "crosses_average",
            "average": "sma",
            "average_days": "200",
            "average_way": "up",
        },
    ),
    Usual("rsi", _l("RSI under 30"), {"kind": "rsi_falls_to", "rsi": "30", "rsi_days": "14"}),
    Usual("volume", _l("Twice its usual volume"), {"kind": "volume_reaches", "ratio": "2"}),
    Usual(
        "earnings",
        _l("A week before earnings"),
        {"kind": "earnings_within", "earnings_days": "7"},
    ),
)


def usual_named(name: str) -> Usual | None:
    return next((usual for usual in USUAL if usual.name == name), None)
