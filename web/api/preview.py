"""When an alert would have rung, had it been set years ago."""

from services.alerts.conditions import Condition
from services.alerts.preview import DeskPast, over_minutes, over_years
from services.market.models import Quote
from services.store.alerts import Frequency
from web.api import schemas
from web.api.blueprint import api
from web.api.openapi import BODY_PROBLEMS, operation
from web.context import me, now, services
from web.limits import limiter
from web.setting import said, understood

BY_PERSON = "30 per minute; 300 per hour"
MOST_RINGS = 1_000


def _person() -> str:
    return f"preview:{me().uid}"


@api.post("/alerts/preview")
@limiter.limit(BY_PERSON, key_func=_person)
@operation("alerts", 200, schemas.Preview, *BODY_PROBLEMS)
def preview_alert(json: schemas.PreviewWish) -> schemas.Preview:
    """Say when an alert would have rung over past days or minutes; nothing is set."""
    text, condition, frequency = _asked(json)
    quote = services().lookup.find(text, now())
    past = DeskPast(services().desk, now())
    if json.minutes:
        found = over_minutes(past, quote, condition, frequency, json.rearm_margin)
    else:
        found = over_years(past, quote, condition, json.years, frequency, json.rearm_margin)
    shown = found.rings[-MOST_RINGS:]
    return schemas.Preview(
        **_about(quote, condition, frequency),
        times=[ring.at for ring in shown],
        sessions=[ring.session for ring in shown],
        values=[ring.value for ring in shown],
        prices=[ring.price for ring in shown],
        count=len(found.rings),
        since=found.since,
        until=found.until,
        notes=list(found.notes),
    )


def _asked(json: schemas.PreviewWish) -> tuple[str, Condition, Frequency]:
    """The symbol as typed, the condition and the frequency. Raises WordsError."""
    if json.text is None:
        assert json.symbol is not None
        assert json.condition is not None
        return json.symbol, json.condition, json.frequency or "every"
    wish = understood(json.text)
    said_so: Frequency = "daily" if wish.frequency == "daily" else "every"
    return wish.symbol, wish.condition, json.frequency or said_so


def _about(quote: Quote, condition: Condition, frequency: Frequency) -> dict[str, object]:
    return {
        "symbol": quote.symbol,
        "condition": condition,
        "frequency": frequency,
        "sentence": said(quote.symbol, condition, frequency, None),
        "currency": quote.currency,
        "source": quote.source,
    }
