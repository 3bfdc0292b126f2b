"""A metric's values in their own unit, and numbers as people read them, in the language that is
spoken. Pure but for that."""

from services.figures import localized
from services.market.money import price_text
from services.texts import N_, ngettext
from services.texts import gettext as _

MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
TIMES = "\N{MULTIPLICATION SIGN}"
PRICES = ("price", "price+extended")
RATIOS = ("sma", "ema", "high", "low", "cross")

_LABELS = {
    "price": N_("Price"),
    "price+extended": N_("Price"),
    "day-change": N_("Change today"),
    "volume": N_("Volume against its average"),
    "earnings": N_("Days to earnings"),
    "drawdown": N_("Below its high since armed"),
    "run-up": N_("Above its low since armed"),
}
_MOVES = {
    "move": N_("Move within %(window)s"),
    "move-up": N_("Rise within %(window)s"),
    "move-down": N_("Fall within %(window)s"),
}


def value_text(metric: str, value: float, currency: str) -> str:
    """A metric's value in its own unit: `25.37 USD`, `+5.20 %`, `1.30 % above`, `2.1×`."""
    name = family(metric)
    if metric in PRICES:
        return price(value, currency)
    if name == "day-change":
        return signed_percent(value)
    if name in RATIOS:
        return against(value)
    if name == "volume":
        return f"{plain(value)}{TIMES}"
    if name == "earnings":
        return days_text(round(value))
    return plain(value) if name == "rsi" else percent(value)


def metric_text(metric: str) -> str:
    """What a metric measures, as a label: `Price`, `Against its 200-day average`, ..."""
    if metric in _LABELS:
        return _(_LABELS[metric])
    name, first, *rest = metric.split(":")
    match name:
        case "sma":
            return _("Against its %(days)s-day average", days=first)
        case "ema":
            return _("Against its %(days)s-day exponential average", days=first)
        case "high":
            return _("Against the %(extreme)s", extreme=high_text(first))
        case "low":
            return _("Against the %(extreme)s", extreme=low_text(first))
        case "rsi":
            return f"RSI({first})"
        case "cross":
            return _("%(fast)s-day against %(slow)s-day average", fast=first, slow=rest[0])
    return _(_MOVES[name], window=window_text(first))


def high_text(span: str) -> str:
    """`52-week high`, `20-day high`."""
    if span.endswith("w"):
        return _("%(count)s-week high", count=span[:-1])
    return _("%(count)s-day high", count=span[:-1])


def low_text(span: str) -> str:
    """`52-week low`, `20-day low`."""
    if span.endswith("w"):
        return _("%(count)s-week low", count=span[:-1])
    return _("%(count)s-day low", count=span[:-1])


def window_text(window: str) -> str:
    """`15 minutes`, `1 hour`, `2 sessions`; a day of a window is the symbol's session."""
    count = int(window[:-1])
    match window[-1]:
        case "m":
            return ngettext("%(num)s minute", "%(num)s minutes", count)
        case "h":
            return ngettext("%(num)s hour", "%(num)s hours", count)
    return sessions_text(count)


def sessions_text(count: int) -> str:
    return ngettext("%(num)s session", "%(num)s sessions", count)


def days_text(count: int) -> str:
    return ngettext("%(num)s day", "%(num)s days", count)


def price(value: float, currency: str) -> str:
    """A price with its currency, with a true minus sign."""
    return f"{number(value)} {currency}".rstrip()


def number(value: float) -> str:
    return localized(price_text(value)).replace("-", MINUS)


def plain(value: float) -> str:
    """A number with two decimals at most, and none that are naught."""
    return localized(f"{value:,.2f}".rstrip("0").rstrip(".")).replace("-", MINUS)


def tenths(value: float) -> str:
    """A number with one decimal."""
    return localized(f"{value:,.1f}").replace("-", MINUS)


def percent(value: float) -> str:
    return f"{plain(value)}{THIN}%"


def signed_percent(value: float) -> str:
    return f"{'+' if value > 0 else ''}{percent(value)}"


def is_level(ratio: float) -> bool:
    """Whether what is compared is as high as its base, as far as it is shown."""
    return abs(100 * (ratio - 1)) < 0.005


def against(ratio: float) -> str:
    away = 100 * (ratio - 1)
    if is_level(ratio):
        return _("level with it")
    shown = percent(abs(away))
    return (
        _("%(percent)s above", percent=shown) if away > 0 else _("%(percent)s below", percent=shown)
    )


def family(metric: str) -> str:
    return metric.partition(":")[0]
