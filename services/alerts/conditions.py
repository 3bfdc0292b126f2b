"""What can be waited for. Every condition reduces to a target: a metric reaches a level. Pure.

A metric is named by a short text, which is also its name in the armed index:

| metric | its value | unit |
|---|---|---|
| `price` | the last price in regular hours | the quote's currency |
| `price+extended` | the last price, pre- and post-market ones included | the quote's currency |
| `day-change` | 100 x (price - previous close) / previous close | per cent |
| `sma:n`, `ema:n` | price / average of the last n daily closes, today's not among them | ratio |
| `high:s`, `low:s` | price / highest high (lowest low) of the span s before today | ratio |
| `rsi:n` | Wilder's RSI(n) of daily closes, the price standing for today's | 0 to 100 |
| `cross:f:s` | SMA(f) / SMA(s) of daily closes, today's only once it is final | ratio |
| `volume` | volume today / average daily volume of the 30 sessions before | ratio |
| `earnings` | days to the next earnings date, as the exchange's calendar counts | days |
| `move-up:w` | how far it rose above the lowest price of the window w that ends now | per cent |
| `move-down:w` | how far it fell below the highest one, as a positive number | per cent |
| `move:w` | the greater of these two | per cent |
| `drawdown` | how far it is below its highest since armed, as a positive number | per cent |
| `run-up` | how far it is above its lowest since armed | per cent |
"""

import re
from abc import abstractmethod
from typing import Annotated, Literal, NamedTuple, Self, TypeAlias, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.texts import gettext as _

Direction: TypeAlias = Literal["rise", "fall"]
Way: TypeAlias = Literal["up", "down"]
PriceKind: TypeAlias = Literal["price_rises_to", "price_falls_to"]

MAX_SPAN_DAYS = 2_250
"""Nine years: a source is asked for ten at the most."""
WINDOWS = ("15m", "30m", "1h", "2h", "4h", "1d", "2d", "3d", "4d", "5d")
BEYOND = 1e-12
"""How far past a ratio of 1 is beyond it: to equal the highest high makes no new one."""

_SPAN = re.compile(r"([1-9][0-9]{0,3})(d|w)")

Finite: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Percent: TypeAlias = Annotated[Finite, Field(gt=0, le=10_000)]
"""A change without its sign."""


class Target(NamedTuple):
    """What the engine watches: `metric` rises (falls) to `level`, touching counts (rule 1)."""

    metric: str
    direction: Direction
    level: float

    def reached_by(self, value: float) -> bool:
        return value >= self.level if self.direction == "rise" else value <= self.level

    def rearm_level(self, margin: float) -> float:
        """Beyond which the metric must go back after a ring before the next one counts; `margin`
        is in per cent of the level. With a level of 0 any value strictly on the other side does.
        """
        away = abs(self.level) * margin / 100
        return self.level - away if self.direction == "rise" else self.level + away


class _Condition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    @abstractmethod
    def target(self) -> Target:
        """What the engine watches for this condition."""

    def scaled(self, ratio: float) -> Self:  # noqa: ARG002 - most levels are no prices
        """The same condition after a split into `ratio` new shares for each old one."""
        return self


class PriceCondition(_Condition):
    """*Price rises (falls) to* `level`, in the quote's currency.

    With `extended`, pre- and post-market prices count as well (rule 7).
    """

    kind: PriceKind
    level: Annotated[Finite, Field(ge=-1e12, le=1e12)]
    extended: bool = False

    @property
    def target(self) -> Target:
        metric = "price+extended" if self.extended else "price"
        return Target(metric, _rise_if(self.kind == "price_rises_to"), self.level)

    def scaled(self, ratio: float) -> Self:
        return self.model_copy(update={"level": round(self.level / ratio, 8)})


class DayChangeCondition(_Condition):
    """*Is up (down) by* `level` *today*: a signed per cent of the previous close."""

    kind: Literal["day_change_rises_to", "day_change_falls_to"]
    level: Annotated[Finite, Field(ge=-100, le=10_000)]

    @property
    def target(self) -> Target:
        return Target("day-change", _rise_if(self.kind == "day_change_rises_to"), self.level)


class MoveCondition(_Condition):
    """*Moves by* `percent` *within* `window`.

    Minutes and hours are times on the clock; days are the symbol's sessions, today included.
    """

    kind: Literal["moves_by"]
    percent: Percent
    window: str
    direction: Literal["up", "down", "either"] = "either"

    @model_validator(mode="after")
    def _window_is_known(self) -> Self:
        if self.window not in WINDOWS:
            raise ValueError(
                _("The window must be one of %(windows)s.", windows=", ".join(WINDOWS))
            )
        return self

    @property
    def target(self) -> Target:
        metric = {"up": "move-up", "down": "move-down", "either": "move"}[self.direction]
        return Target(f"{metric}:{self.window}", "rise", self.percent)


class TrailingCondition(_Condition):
    """*Falls from its high (rises from its low) by* `percent`, counted since it was armed."""

    kind: Literal["falls_from_peak", "rises_from_trough"]
    percent: Percent

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.kind == "falls_from_peak" and self.percent >= 100:
            raise ValueError(_("A price cannot fall by 100 % or more."))
        return self

    @property
    def target(self) -> Target:
        metric = "drawdown" if self.kind == "falls_from_peak" else "run-up"
        return Target(metric, "rise", self.percent)


def _span(value: object) -> object:
    """A number of days is taken as well as the text: 20 is `20d`."""
    return f"{value}d" if isinstance(value, int) and not isinstance(value, bool) else value


class ExtremeCondition(_Condition):
    """*Makes a new high (low)* of `span`: beyond every price of it, today excluded.

    `52w` counts calendar weeks, `20d` sessions.
    """

    kind: Literal["new_high", "new_low"]
    span: Annotated[str, BeforeValidator(_span)] = "52w"

    @model_validator(mode="after")
    def _span_is_sound(self) -> Self:
        found = _SPAN.fullmatch(self.span)
        most = {"d": MAX_SPAN_DAYS, "w": MAX_SPAN_DAYS // 5}
        if not found or int(found[1]) > most[found[2]]:
            raise ValueError(
                _(
                    "The span is 1d to %(days)sd (sessions) or 1w to %(weeks)sw.",
                    days=most["d"],
                    weeks=most["w"],
                )
            )
        return self

    @property
    def target(self) -> Target:
        if self.kind == "new_high":
            return Target(f"high:{self.span}", "rise", 1 + BEYOND)
        return Target(f"low:{self.span}", "fall", 1 - BEYOND)


class AverageCondition(_Condition):
    """*Crosses its average* of the last `days` daily closes, upwards or downwards."""

    kind: Literal["crosses_average"]
    average: Literal["sma", "ema"] = "sma"
    days: Annotated[int, Field(strict=True, ge=5, le=200)]
    direction: Way

    @property
    def target(self) -> Target:
        return Target(f"{self.average}:{self.days}", _rise_if(self.direction == "up"), 1.0)


class CrossCondition(_Condition):
    """*Averages cross*: SMA(`fast`) crosses SMA(`slow`), up is golden and down the death cross."""

    kind: Literal["averages_cross"]
    fast: Annotated[int, Field(strict=True, ge=2, le=199)] = 50
    slow: Annotated[int, Field(strict=True, ge=3, le=200)] = 200
    direction: Way

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(_("The fast average must be of fewer days than the slow one."))
        return self

    @property
    def target(self) -> Target:
        return Target(f"cross:{self.fast}:{self.slow}", _rise_if(self.direction == "up"), 1.0)


class RsiCondition(_Condition):
    """*RSI rises (falls) to* `level`: Wilder's, of `days` daily closes, the running day counted."""

    kind: Literal["rsi_rises_to", "rsi_falls_to"]
    level: Annotated[Finite, Field(ge=0, le=100)]
    days: Annotated[int, Field(strict=True, ge=2, le=200)] = 14

    @property
    def target(self) -> Target:
        return Target(f"rsi:{self.days}", _rise_if(self.kind == "rsi_rises_to"), self.level)


class VolumeCondition(_Condition):
    """*Volume reaches* `ratio` *times its average* of the 30 sessions before."""

    kind: Literal["volume_reaches"]
    ratio: Annotated[Finite, Field(gt=0, le=10_000)]

    @property
    def target(self) -> Target:
        return Target("volume", "rise", self.ratio)


class EarningsCondition(_Condition):
    """*Earnings in* `days` *days* or fewer."""

    kind: Literal["earnings_within"]
    days: Annotated[int, Field(strict=True, ge=0, le=90)]

    @property
    def target(self) -> Target:
        return Target("earnings", "fall", float(self.days))


Condition: TypeAlias = Annotated[
    PriceCondition
    | DayChangeCondition
    | MoveCondition
    | TrailingCondition
    | ExtremeCondition
    | AverageCondition
    | CrossCondition
    | RsiCondition
    | VolumeCondition
    | EarningsCondition,
    Field(discriminator="kind"),
]


KINDS = frozenset(
    kind
    for union in get_args(Condition)[:1]
    for one in get_args(union)
    for kind in get_args(one.model_fields["kind"].annotation)
)
"""The names of all kinds."""


def _rise_if(rises: bool) -> Direction:
    return "rise" if rises else "fall"
