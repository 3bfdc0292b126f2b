"""The quotes of a check that may fire something (ALERTS.md rules 7 and 8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.alerts.index import ArmedIndex
from services.alerts.intervals import Reading, confirmed, fault, needs_second_look
from services.alerts.readings import Readings
from services.alerts.times import Times
from services.market.cache import QuoteCache
from services.market.fetch import fetch_into_cache
from services.market.hours import Hours
from services.market.models import Quote
from services.market.provider import Provider

NO_PRICE = "no price"


@dataclass(slots=True)
class Heard:
    """Sound quotes, each with the reading of the last check; why others are not; and how many
    symbols were not asked for, since their exchange has been closed."""

    sound: list[tuple[Quote, Reading | None]] = field(default_factory=list)
    unchecked: dict[str, str] = field(default_factory=dict)
    asleep: int = 0


class SoundQuotes:
    """Fetches quotes, and judges them by what was seen before."""

    def __init__(
        self,
        provider: Provider,
        cache: QuoteCache,
        index: ArmedIndex,
        readings: Readings,
        hours: Hours,
    ) -> None:
        self._provider = provider
        self._cache = cache
        self._index = index
        self._readings = readings
        self._hours = hours

    def fetch(self, watched: dict[str, list[str]], times: Times) -> Heard:
        """The quotes of the symbols that are watched for these metrics."""
        previous = self._readings.get(sorted(watched))
        symbols = [
            symbol
            for symbol in sorted(watched)
            if not self._sleeps(symbol, previous.get(symbol), watched[symbol], times)
        ]
        fetched = fetch_into_cache(self._provider, self._cache, symbols, times.now)
        heard = Heard(
            unchecked=dict.fromkeys(fetched.unanswered, str(fetched.error)),
            asleep=len(watched) - len(symbols),
        )
        doubtful = []
        for symbol in symbols:
            quote = fetched.quotes.get(symbol)
            if quote is None:
                heard.unchecked.setdefault(symbol, NO_PRICE)
                continue
            before = _of_same_market(previous.get(symbol), quote)
            known = before or _of_same_market(self._index.newest_baseline(symbol), quote)
            if why := fault(known, quote, times.market_now):
                heard.unchecked[symbol] = why
                continue
            heard.sound.append((quote, before))
            if needs_second_look(known, Reading.of(quote)):
                doubtful.append(quote)
        heard.unchecked |= self._unconfirmed(doubtful, times)
        heard.sound = [(q, before) for q, before in heard.sound if q.symbol not in heard.unchecked]
        return heard

    def _sleeps(
        self, symbol: str, reading: Reading | None, metrics: Sequence[str], times: Times
    ) -> bool:
        """Whether nothing was traded since the last check, which saw the session's end (rule 7)."""
        since = times.checked_until(symbol)
        if since is None or reading is None or not reading.session_over or "earnings" in metrics:
            return False
        extended = "price+extended" in metrics
        return not self._hours.has_traded_since(
            reading.exchange, since, times.market_now, extended=extended
        )

    def _unconfirmed(self, doubtful: list[Quote], times: Times) -> dict[str, str]:
        """Those of the symbols whose quotes a second fetch does not bear out."""
        symbols = [quote.symbol for quote in doubtful]
        second = fetch_into_cache(self._provider, self._cache, symbols, times.now).quotes
        return {
            quote.symbol: "a jump that a second look did not confirm"
            for quote in doubtful
            if (again := second.get(quote.symbol)) is None
            or not confirmed(Reading.of(quote), Reading.of(again))
        }


def _of_same_market(previous: Reading | None, quote: Quote) -> Reading | None:
    """`previous`, unless it comes from another source: replayed prices prove nothing live."""
    return previous if previous and previous.source == quote.source else None
