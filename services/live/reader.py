"""What one open page has still to be told, as text of Server-Sent Events. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.live.quotes import Item, News
from services.live.triggers import KEPT_OF_EACH

BEAT = b"event: beat\ndata: 1\n\n"
"""An event, for a comment is not seen by scripts, which want to know a dead connection."""


@dataclass(frozen=True, slots=True)
class Told:
    """What Redis holds for a page that opens: present quotes, and triggers behind `after`."""

    quotes: Mapping[str, Item]
    triggers: tuple[tuple[str, bytes], ...]
    last_id: str


@dataclass(slots=True, eq=False)
class Reader:
    """An open page: whose it is, by which session, and what it follows.

    `last_id` is the trigger that it was told last, or empty. Of a symbol only the newest quote
    waits, of triggers the newest twenty: a slow reader costs no memory and loses no present.
    """

    uid: str
    auth_epoch: int
    session: str
    symbols: frozenset[str]
    last_id: str = ""
    retry_ms: int = 3_000
    _quotes: dict[str, News] = field(default_factory=dict)
    _triggers: dict[str, bytes] = field(default_factory=dict)
    _has_begun: bool = False

    def begin(self, told: Told) -> None:
        """Take what was there before the page opened; news may have come meanwhile."""
        for symbol, item in told.quotes.items():
            present, news = News.of(item), self._quotes.get(symbol)
            is_newer = news is not None and news.fetched_at > present.fetched_at
            self._quotes[symbol] = present.and_then(news) if news and is_newer else present
        for trigger_id, text in told.triggers:
            self.take_trigger(trigger_id, text)
        if not self.last_id:
            self.last_id = told.last_id

    def take_quote(self, news: News) -> None:
        waiting = self._quotes.get(news.symbol)
        self._quotes[news.symbol] = waiting.and_then(news) if waiting else news

    def take_trigger(self, trigger_id: str, text: bytes) -> None:
        self._triggers.setdefault(trigger_id, text)
        while len(self._triggers) > KEPT_OF_EACH:
            del self._triggers[min(self._triggers, key=_order)]

    def text(self) -> bytes:
        """All that waits; from then on it waits no more."""
        parts: list[bytes] = []
        if not self._has_begun:
            self._has_begun = True
            parts.append(f"retry: {self.retry_ms}\nid: {self.last_id}\n".encode() + BEAT)
        if self._quotes:
            items = b",".join(news.text for news in self._quotes.values())
            parts.append(b'event: quotes\ndata: {"items":[' + items + b"]}\n\n")
        for trigger_id in sorted(self._triggers, key=_order):
            if _order(trigger_id) > _order(self.last_id):
                self.last_id = trigger_id
                head = f"id: {trigger_id}\nevent: trigger\ndata: ".encode()
                parts.append(head + self._triggers[trigger_id] + b"\n\n")
        self._quotes, self._triggers = {}, {}
        return b"".join(parts)


def _order(trigger_id: str) -> tuple[int, int]:
    """By when Redis got it: `MILLISECONDS-NUMBER`; empty comes first."""
    milliseconds, _, number = trigger_id.partition("-")
    return int(milliseconds or 0), int(number or 0)
