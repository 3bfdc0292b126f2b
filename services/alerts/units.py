"""A metric's values in their own unit, and numbers as people read them. Pure."""

from services.market.money import price_text

MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
LEVEL = "level with it"
TIMES = "\N{MULTIPLICATION SIGN}"
PRICES = ("price", "price+extended")
RATIOS = ("sma", "ema", "high", "low", "cross")

_LABELS = {
    "price": "Price",
    "price+extended": "Price",
    "day-change": "Change today",
    "volume": "Volume against its average",
    "earnings": "Days to earnings",
    "drawdown": "Below its high since armed",
    "run-up": "Above its low since armed",
}
_MOVES = {"move": "Move", "move-up": "Rise", "move-down": "Fall"}
_WINDOWS = {"m": "minute", "h": "hour", "d": "session"}
SPANS = {"d": "day", "w": "week"}


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
        return count_text(round(value), "day")
    return plain(value) if name == "rsi" else percent(value)


def metric_text(metric: str) -> str:
    """What a metric measures, as a label: `Price`, `Against its 200-day average`, ..."""
    if metric in _LABELS:
        return _LABELS[metric]
    name, first, *rest = metric.split(":")
    match name:
        case "sma" | "ema":
            return f"Against its {average_text(name, int(first))}"
        case "high" | "low":
            return f"Against the {span_text(first)} {name}"
        case "rsi":
            return f"RSI({first})"
        case "cross":
            return f"{first}-day against {rest[0]}-day average"
    return f"{_MOVES[name]} within {window_text(first)}"


def average_text(average: str, days: int) -> str:
    return f"{days}-day {'exponential ' if average == 'ema' else ''}average"


def span_text(span: str) -> str:
    """`52-week`, `20-day`."""
    return f"{span[:-1]}-{SPANS[span[-1]]}"


def window_text(window: str) -> str:
    """`15 minutes`, `1 hour`, `2 sessions`; a day of a window is the symbol's session."""
    return count_text(int(window[:-1]), _WINDOWS[window[-1]])


def price(value: float, currency: str) -> str:
    """A price with its currency, with a true minus sign."""
    return f"{number(value)} {currency}".rstrip()


def number(value: float) -> str:
    return price_text(value).replace("-", MINUS)


def plain(value: float) -> str:
    """A number with two decimals at most, and none that are naught."""
    return f"{value:,.2f}".rstrip("0").rstrip(".").replace("-", MINUS)


def percent(value: float) -> str:
    return f"{plain(value)}{THIN}%"


def signed_percent(value: float) -> str:
    return f"{'+' if value > 0 else ''}{percent(value)}"


def against(ratio: float) -> str:
    away = 100 * (ratio - 1)
    if abs(away) < 0.005:
        return LEVEL
    return f"{percent(abs(away))} {'above' if away > 0 else 'below'}"


def family(metric: str) -> str:
    return metric.partition(":")[0]


def count_text(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
