"""The shipped prices and splits agree with each other."""

import csv
import gzip
from collections import defaultdict
from datetime import date
from itertools import pairwise

from tests.support.market import REPLAY_DATA

Row = dict[str, str]


def rows_by_symbol() -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    with gzip.open(REPLAY_DATA / "stocks.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["Ticker"]].append(row)
    return rows


def test_the_listed_splits_are_all_those_that_the_adjusted_closes_tell() -> None:
    told = set()
    for symbol, rows in rows_by_symbol().items():
        for before, after in pairwise(rows):
            factor = _adjustment(after) / _adjustment(before)
            if factor > 1.5:
                told.add((symbol, after["Date"], str(round(factor))))
    with (REPLAY_DATA / "splits.csv").open(newline="") as file:
        listed = {tuple(row.values()) for row in csv.DictReader(file)}
    assert listed == told


def test_every_symbol_is_in_order_of_days_and_every_day_within_its_low_and_high() -> None:
    for rows in rows_by_symbol().values():
        sessions = [date.fromisoformat(row["Date"]) for row in rows]
        assert sessions == sorted(set(sessions))
        for row in rows:
            opened, high, low, close = (
                float(row[name]) for name in ("Open", "High", "Low", "Close")
            )
            assert 0 < low <= min(opened, close)
            assert max(opened, close) <= high


def test_the_file_holds_what_its_readme_says() -> None:
    rows = rows_by_symbol()
    assert sum(map(len, rows.values())) == 12_154
    assert {symbol: days[0]["Date"] for symbol, days in rows.items()} == {
        "AAPL": "2000-03-01", "MSFT": "2000-03-01", "IBM": "2000-03-01",
        "GOOG": "2004-08-19", "FB": "2012-05-18",
    }  # fmt: skip
    assert {days[-1]["Date"] for days in rows.values()} == {"2013-03-01"}


def _adjustment(row: Row) -> float:
    return float(row["Adj Close"]) / float(row["Close"])
