"""What a person may ask of an alert. Pure."""

from datetime import datetime

from services.alerts.conditions import (
    Condition,
    EarningsCondition,
    PriceCondition,
    RsiCondition,
    VolumeCondition,
)
from services.alerts.units import plain
from services.errors import InvalidInput
from services.store.alerts import MAX_NOTE, MAX_REARM_MARGIN
from services.texts import gettext as _


def check_condition(symbol: str, condition: Condition, price: float) -> None:
    """Raises InvalidInput for a condition that this symbol's price can never make true, or that
    makes no sense at a price of 0 or below, as futures have had."""
    if isinstance(condition, PriceCondition):
        if condition.level <= 0 and not symbol.endswith("=F"):
            raise InvalidInput(
                "condition.level", _("The level must be more than 0 (only futures trade below).")
            )
    elif price <= 0 and not isinstance(
        condition, RsiCondition | VolumeCondition | EarningsCondition
    ):
        raise InvalidInput(
            "condition.kind",
            _(
                "%(symbol)s is at %(price)s: per cents and ratios mean nothing at such a price."
                " Name a price instead.",
                symbol=symbol,
                price=plain(price),
            ),
        )


def check_expiry(expires_at: datetime | None, now: datetime) -> datetime | None:
    """The expiry itself. Raises InvalidInput unless it lies in the future."""
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("expires_at", _("The expiry must lie in the future."))
    return expires_at


def check_margin(percent: float) -> float:
    """The re-arm margin itself. Raises InvalidInput."""
    if not 0 <= percent <= MAX_REARM_MARGIN:
        raise InvalidInput(
            "rearm_margin",
            _("The margin is 0 to %(most)s per cent of the level.", most=plain(MAX_REARM_MARGIN)),
        )
    return percent


def check_note(note: str) -> str:
    """The note trimmed. Raises InvalidInput when it is too long."""
    note = note.strip()
    if len(note) > MAX_NOTE:
        raise InvalidInput("note", _("A note has %(most)s characters at most.", most=MAX_NOTE))
    return note
