"""The daily bars around a ring, as far as the cache has them: nobody is asked for more."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from redis import Redis

from services.market.bars import BarCache, in_shares_of
from services.market.models import Bar, Chart
from services.store.triggers import Trigger
from web.context import now, services
from web.drawing import Around, Close

BEFORE, AFTER = 30, 10
"""Sessions."""
_ANEW = timedelta(minutes=10)
"""How long a process takes what it found, or did not find, for the present state."""
_NEAR = timedelta(days=10)
"""How far before the ring the last bar may lie; else bars of another time or market are kept."""
_KNOWN = 512


def around(trigger: Trigger) -> Around:
    """The bars before the session of a ring, and after it. Raises redis.RedisError."""
    turn = int(now().timestamp() // _ANEW.total_seconds())
    return _kept(services().redis, trigger.symbol, trigger.currency, trigger.occurred_at, turn)


@lru_cache(_KNOWN)
def _kept(redis: Redis, symbol: str, currency: str, moment: datetime, turn: int) -> Around:
    """`turn` ends what is remembered."""
    chart = _chart(redis, symbol, turn)
    if chart is None or chart.currency not in ("", currency):
        return Around()
    return cut(chart, _session(chart, moment))


@lru_cache(1)
def _chart(redis: Redis, symbol: str, turn: int) -> Chart | None:  # noqa: ARG001 - see above
    """Years of bars are unpacked once for all rings of a symbol, if they are drawn in a row."""
    kept = BarCache(redis).get(symbol, "1d")
    return kept.chart if kept else None


def cut(chart: Chart, session: date) -> Around:
    """The bars around `session` in its shares; after it those before the next split."""
    before = [bar for bar in chart.bars if bar.session < session][-BEFORE:]
    if not before or session - before[-1].session > _NEAR:
        return Around()
    split = min((s.session for s in chart.splits if s.session > session), default=date.max)
    after = [bar for bar in chart.bars if session < bar.session < split][:AFTER]
    return Around(_closes(in_shares_of(before, chart.splits, session)), _closes(after))


def _closes(bars: Iterable[Bar]) -> tuple[Close, ...]:
    return tuple(Close(bar.session, bar.close) for bar in bars)


def _session(chart: Chart, moment: datetime) -> date:
    """The trading day of a moment where the bars are from: daily ones begin at its midnight."""
    near: Bar | None = next((bar for bar in reversed(chart.bars) if bar.start <= moment), None)
    if near is None:
        return moment.astimezone(ZoneInfo("UTC")).date()
    return near.session + timedelta(days=(moment - near.start) // timedelta(days=1))
