"""Watchlists as CSV: our own form, and Yahoo's portfolios to read. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.errors import InvalidInput
from services.market.models import Quote, normal_symbol
from services.store.watchlists import MAX_NAME, MAX_NOTE, Watchlist
from services.texts import gettext as _

COLUMNS = ("list", "symbol", "name", "price", "currency", "change_percent", "note", "added_at")
MOST_BYTES = 200_000
MOST_LINES = 2_000
_NAMES = {
    "symbol": ("symbol", "ticker", "symbols", "tickers"),
    "note": ("note", "notes", "comment", "comments", "notiz", "kommentar"),
    "list": ("list", "watchlist", "portfolio", "liste"),
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_GUARD = "'"
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?")
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_SEPARATORS = ",;\t|"
_UNREADABLE_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Line:
    """A symbol as a file names it; `list_name` and `note` are empty where it tells none."""

    symbol: str
    note: str = ""
    list_name: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: its symbols, each once a list, and what is none."""

    lines: tuple[Line, ...]
    unreadable: tuple[str, ...]


def written(lists: Iterable[Watchlist], quotes: Mapping[str, Quote]) -> bytes:
    """All symbols of `lists` in UTF-8 with a mark that spreadsheets know it by. Prices are in
    `currency`, times in UTC. Cells that a spreadsheet would compute have an apostrophe first."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for watchlist in lists:
        for entry in watchlist.entries:
            cells = (watchlist.name, entry.symbol, *_of_quote(quotes.get(entry.symbol)))
            added_at = entry.added_at.isoformat(timespec="seconds")
            table.writerow([guarded(cell) for cell in (*cells, entry.note, added_at)])
    return text.getvalue().encode("utf-8-sig")


def read(file: bytes) -> Content:
    """The symbols of our own CSV, of Yahoo's, of any with a column `Symbol`, or of a plain list.

    Raises InvalidInput that says what to do.
    """
    rows = _rows(_text(file))
    if not rows:
        raise InvalidInput("file", _("There is nothing in this file."))
    places = _places(rows[0])
    body = rows[1:] if places else rows
    if not places and (len(rows[0]) > 1 or not _is_symbol(rows[0][0])):
        raise InvalidInput(
            "file", _("This file has no column named Symbol. Its first line must name the columns.")
        )
    return _content(body, places or {"symbol": 0})


def _content(rows: Sequence[list[str]], places: Mapping[str, int]) -> Content:
    lines: dict[tuple[str, str], Line] = {}
    unreadable: dict[str, None] = {}
    for row in rows:
        cells = {name: _bare(row[at]) if at < len(row) else "" for name, at in places.items()}
        if not cells["symbol"].strip():
            continue
        if not _is_symbol(cells["symbol"]):
            unreadable[" ".join(cells["symbol"].split())[:_UNREADABLE_SHOWN]] = None
            continue
        line = _line(cells)
        held = lines.setdefault((line.list_name, line.symbol), line)
        if line.note and not held.note:
            lines[line.list_name, line.symbol] = line
    return Content(tuple(lines.values()), tuple(unreadable))


def _line(cells: Mapping[str, str]) -> Line:
    return Line(
        symbol=normal_symbol(cells["symbol"]),
        note=_printable(cells.get("note", ""))[:MAX_NOTE].strip(),
        list_name=" ".join(_printable(cells.get("list", "")).split())[:MAX_NAME].strip(),
    )


def _printable(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or c.isprintable())


def _text(file: bytes) -> str:
    if len(file) > MOST_BYTES:
        raise InvalidInput(
            "file", _("This file is too large: 200 KB hold more than all lists together.")
        )
    encodings: tuple[str, ...] = ("utf-8-sig", "cp1252", "latin-1")
    if file.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ("utf-16",)
    elif file.startswith(b"PK") or b"\0" in file:
        raise InvalidInput("file", _("This is no CSV file. Save the table as CSV and try again."))
    for encoding in encodings:
        try:
            return file.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidInput("file", _("This is no CSV file. Save the table as CSV and try again."))


def _rows(text: str) -> list[list[str]]:
    first, _end, rest = text.partition("\n")
    if told := _SEPARATOR_LINE.fullmatch(first.strip()):
        separator, text = told[1], rest
    else:
        heads = next((line for line in text.splitlines() if line.strip()), "")
        separator = max(_SEPARATORS, key=heads.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        rows = list(_first(table))
    except csv.Error:
        raise InvalidInput(
            "file", _("This file cannot be read as CSV: a quotation mark is not closed.")
        ) from None
    if len(rows) > MOST_LINES:
        raise InvalidInput("file", _("This file has too many lines: 2000 are read at most."))
    return rows


def _first(table: Iterable[list[str]]) -> Iterator[list[str]]:
    """The rows with anything in them, and one more than are read."""
    count = 0
    for row in table:
        if any(cell.strip() for cell in row):
            yield row
            count += 1
        if count > MOST_LINES:
            return


def _places(heads: Sequence[str]) -> dict[str, int]:
    """Which column holds what, by the names of the columns; empty without one of symbols."""
    named = [head.strip().strip('"').casefold() for head in heads]
    places = {
        what: named.index(name)
        for what, names in _NAMES.items()
        for name in reversed(names)
        if name in named
    }
    return places if "symbol" in places else {}


def _of_quote(quote: Quote | None) -> tuple[str, str, str, str]:
    if quote is None:
        return "", "", "", ""
    change = quote.change_percent
    shown = "" if change is None else f"{change:.2f}"
    return quote.name, _plain(quote.price), quote.currency, shown


def _plain(value: float) -> str:
    """A number in full, without an exponent."""
    text = f"{value:.10f}"
    return text.rstrip("0").rstrip(".")


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    dangerous = cell.startswith(_FORMULA) and not _PLAIN_NUMBER.fullmatch(cell)
    return _GUARD + cell if dangerous else cell


def _bare(cell: str) -> str:
    is_guarded = cell.startswith(_GUARD) and cell[1:].startswith(_FORMULA)
    return cell[1:] if is_guarded else cell


def _is_symbol(text: str) -> bool:
    try:
        normal_symbol(text)
    except ValueError:
        return False
    return True
