"""Exits with 0 when Yahoo has a price now: `python -m local.market_probe`.

A program of its own, so that the supervisor never holds yfinance and pandas in memory.
"""

import sys
from datetime import UTC, datetime, timedelta

from config import load_settings
from services.errors import MarketError
from services.market.backoff import Backoff
from services.market.yahoo import YahooProvider
from services.redis_client import open_redis

SYMBOL = "AAPL"
TIME_LIMIT = timedelta(seconds=4)


def main() -> int:
    with open_redis(load_settings().redis_url) as redis:
        yahoo = YahooProvider(Backoff(redis), time_limit=TIME_LIMIT)
        try:
            return 0 if yahoo.quotes([SYMBOL], datetime.now(UTC)) else 1
        except MarketError as error:
            print(error)
            return 1


if __name__ == "__main__":
    sys.exit(main())
