"""How somebody looks at a watchlist: which columns, in which order. Kept in a cookie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Response, request
from flask_babel import lazy_gettext as _l

COOKIE = "look"
COOKIE_PATH = "/watchlists"
_KEPT_SECONDS = 400 * 86_400
OWN = "own"

CHOOSABLE = {
    "spark": _l("30 sessions"),
    "change": _l("Today"),
    "range": _l("Day’s range"),
    "volume": _l("Volume"),
    "alerts": _l("Alerts"),
    "age": _l("Age"),
}
SORTS = {
    OWN: _l("Own order"),
    "symbol": _l("Symbol, A to Z"),
    "-symbol": _l("Symbol, Z to A"),
    "-price": _l("Price, highest first"),
    "price": _l("Price, lowest first"),
    "-change": _l("Today, biggest rise first"),
    "change": _l("Today, biggest fall first"),
    "alerts": _l("Nearest alert first"),
    "-alerts": _l("Farthest alert first"),
    "-volume": _l("Volume, highest first"),
    "volume": _l("Volume, lowest first"),
}
_FIRST = {"symbol": "symbol", "price": "-price", "change": "-change", "alerts": "alerts"} | {
    "volume": "-volume"
}


@dataclass(frozen=True, slots=True)
class Look:
    """The chosen sort (a key of SORTS), and the columns that are hidden."""

    sort: str = OWN
    hidden: frozenset[str] = frozenset()

    @property
    def choosable(self) -> Mapping[str, str]:
        return CHOOSABLE

    @property
    def sorts(self) -> Mapping[str, str]:
        return SORTS

    @property
    def classes(self) -> str:
        return " ".join(f"without-{name}" for name in CHOOSABLE if name in self.hidden)

    def aria(self, column: str) -> str | None:
        """The aria-sort of a column's head; None where it is not sorted by."""
        if self.sort.lstrip("-") != column:
            return None
        return "descending" if self.sort.startswith("-") else "ascending"

    def after(self, column: str) -> str:
        """The sort that a press on a column's head asks for: its way, the other way, own order."""
        first = _FIRST[column]
        if self.sort == first:
            return first[1:] if first.startswith("-") else f"-{first}"
        return first if self.aria(column) is None else OWN

    def text(self) -> str:
        return f"{self.sort}.{'.'.join(sorted(self.hidden))}".rstrip(".")


def look() -> Look:
    """How the reader looks at lists, as the cookie says; what it says wrong is not heard."""
    sort, *hidden = request.cookies.get(COOKIE, OWN)[:200].split(".")
    return Look(sort if sort in SORTS else OWN, frozenset(CHOOSABLE.keys() & set(hidden)))


def asked() -> Look | None:
    """How the address asks to look from now on; None where it asks for nothing."""
    sort = request.args.get("sort", "")
    if "view" in request.args:
        shown = set(request.args.getlist("show"))
        return Look(sort if sort in SORTS else OWN, frozenset(CHOOSABLE.keys() - shown))
    return Look(sort, look().hidden) if sort in SORTS else None


def keep(response: Response, chosen: Look) -> Response:
    response.set_cookie(
        COOKIE,
        chosen.text(),
        max_age=_KEPT_SECONDS,
        path=COOKIE_PATH,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def arranged(rows: Sequence[Any], sort: str) -> list[Any]:
    """The rows as `sort` wants them; those without its value last, else in their own order."""
    if sort == OWN:
        return list(rows)
    column, descending = sort.lstrip("-"), sort.startswith("-")
    value_of = _VALUES[column]
    with_value = [row for row in rows if value_of(row) is not None]
    without = [row for row in rows if value_of(row) is None]
    return sorted(with_value, key=value_of, reverse=descending) + without


def _of_quote(name: str, row: Any) -> Any:
    return getattr(row.quote, name) if row.quote else None


_VALUES: dict[str, Callable[[Any], Any]] = {
    "symbol": lambda row: row.symbol,
    "price": partial(_of_quote, "price"),
    "change": partial(_of_quote, "change_percent"),
    "volume": partial(_of_quote, "volume"),
    "alerts": lambda row: row.nearest,
}
