"""What can be waited for: a metric reaches a level, rising or falling. Pure."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Direction: TypeAlias = Literal["rise", "fall"]
Kind: TypeAlias = Literal["price_rises_to", "price_falls_to"]


class Condition(BaseModel):
    """*The price rises (falls) to a level*, in the quote's currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    level: Annotated[float, Field(strict=True, ge=-1e12, le=1e12, allow_inf_nan=False)]

    @property
    def metric(self) -> str:
        return "price"

    @property
    def direction(self) -> Direction:
        return "rise" if self.kind == "price_rises_to" else "fall"

    def reached_by(self, value: float) -> bool:
        """Whether `value` is at the level or past it; touching counts (ALERTS.md rule 1)."""
        return value >= self.level if self.direction == "rise" else value <= self.level

    def scaled(self, ratio: float) -> "Condition":
        """The same condition after a split into `ratio` new shares for each old one."""
        return self.model_copy(update={"level": round(self.level / ratio, 8)})
