"""Setting alerts: what a form, a sentence or a program asks for, held against the market now."""

from dataclasses import dataclass
from datetime import datetime

from services.alerts import words
from services.alerts.arming import IfTrue
from services.alerts.conditions import Condition
from services.alerts.facts import Facts, needs
from services.alerts.finder import Finder
from services.alerts.history import History
from services.errors import NoQuote
from services.market.absent import Absent
from services.market.models import Quote
from services.store.alerts import Alert, Frequency
from web.context import me, now, services

REARM_MARGIN = 0.5


@dataclass(frozen=True, slots=True)
class Wish:
    """An alert that somebody wants. `symbol` is as typed; `expires_at` is UTC."""

    symbol: str
    condition: Condition
    frequency: Frequency = "once"
    expires_at: datetime | None = None
    note: str = ""
    rearm_margin: float = REARM_MARGIN
    urgent: bool = False
    channels: tuple[str, ...] | None = None

    @property
    def sentence(self) -> str:
        """In words that are understood again."""
        return said(self.symbol.upper(), self.condition, self.frequency, self.expires_at)

    @property
    def told(self) -> str:
        """In the reader's language."""
        draft = words.Draft(self.symbol.upper(), self.condition, self.frequency, self.expires_at)
        return words.told(draft, me().time_zone)


def understood(text: str, note: str = "") -> Wish:
    """What a sentence asks for, in the reader's time zone. Raises WordsError."""
    draft = words.parse(text, now(), me().time_zone)
    return Wish(draft.symbol, draft.condition, draft.frequency, draft.expires_at, note)


def said(
    symbol: str, condition: Condition, frequency: Frequency, expires_at: datetime | None
) -> str:
    """An alert as a sentence that is understood again."""
    draft = words.Draft(symbol, condition, frequency, expires_at)
    return words.sentence(draft, me().time_zone)


def sentence_of(alert: Alert) -> str:
    return said(alert.symbol, alert.condition, alert.frequency, alert.expires_at)


def facts_to_arm(symbol: str, condition: Condition) -> Facts:
    """The market now. Raises InvalidInput, UnknownSymbol or NoQuote."""
    return Finder(services().lookup, services().desk).to_arm(symbol, condition, now())


def facts_at_hand(quote: Quote, condition: Condition) -> Facts | None:
    """What is known of the metric without waiting for anybody; None where not all is at hand."""
    wanted = needs(condition.target.metric)
    if not wanted:
        return Facts(quote)
    if "history" not in wanted:
        return None
    bars = services().desk.daily(quote.symbol, now(), 0)
    if bars is Absent.PENDING:
        return None
    return Facts(quote, None if isinstance(bars, Absent) else History(bars))


def set_alert(wish: Wish, if_true: IfTrue | None) -> Alert:
    """Raises what `facts_to_arm` does, AlreadyTrue, or LimitReached."""
    return services().arming.create(
        me().uid,
        facts_to_arm(wish.symbol, wish.condition),
        wish.condition,
        now(),
        frequency=wish.frequency,
        note=wish.note,
        if_true=if_true,
        expires_at=wish.expires_at,
        rearm_margin=wish.rearm_margin,
        urgent=wish.urgent,
        channels=wish.channels,
    )


def no_answer(error: NoQuote) -> str:
    """What to say when the source could not be asked about a symbol."""
    return (
        f"The quote source gave no answer about {error.symbol} just now."
        " Nothing is lost: try again in a minute."
    )
