"""Triggers: what rang, with the evidence, whether it was seen, and how far its deliveries are."""

from datetime import UTC

from services.errors import InvalidInput, NotRepeatable
from services.market.models import normal_symbol
from web import mail_answers
from web.api import schemas
from web.api.blueprint import api
from web.api.openapi import BODY_PROBLEMS, operation
from web.api.paging import store_cursor, text_of
from web.context import me, now, services


@api.get("/triggers")
@operation("triggers", 200, schemas.Triggers)
def read_triggers(query: schemas.TriggersQuery) -> schemas.Triggers:
    """Read what rang, newest first: all, or of one filter."""
    given = [n for n in ("alert_id", "symbol", "unread", "trouble") if getattr(query, n)]
    if len(given) > 1:
        raise InvalidInput(given[1], "One filter at a time.")
    found, following = services().triggers.page(
        me().uid,
        store_cursor("triggers", query.cursor),
        query.limit,
        alert_id=query.alert_id,
        symbol=_symbol(query.symbol) if query.symbol else None,
        unread=query.unread is not None,
        trouble=query.trouble,
    )
    return schemas.Triggers(
        items=[schemas.Trigger.model_validate(trigger) for trigger in found],
        next=text_of("triggers", following),
    )


def _symbol(text: str) -> str:
    try:
        return normal_symbol(text)
    except ValueError as error:
        raise InvalidInput("symbol", str(error)) from None


@api.post("/triggers/read")
@operation("triggers", 200, schemas.Marked, *BODY_PROBLEMS)
def mark_triggers_read(json: schemas.ReadUntil) -> schemas.Marked:
    """Mark as read all that was noticed until then; what comes later stays unread."""
    until = min(json.until, now()).astimezone(UTC)
    return schemas.Marked(marked=services().triggers.mark_all_read(me().uid, until))


@api.get("/triggers/<trigger_id>")
@operation("triggers", 200, schemas.Trigger, 404)
def read_trigger(trigger_id: str) -> schemas.Trigger:
    """Read one trigger, which does not mark it."""
    return schemas.Trigger.model_validate(services().triggers.get(me().uid, trigger_id))


@api.patch("/triggers/<trigger_id>")
@operation("triggers", 200, schemas.Trigger, *BODY_PROBLEMS, 404)
def change_trigger(trigger_id: str, json: schemas.TriggerChange) -> schemas.Trigger:
    """Mark a trigger as read, or as unread again."""
    after = services().triggers.mark(me().uid, trigger_id, unread=not json.read)
    return schemas.Trigger.model_validate(after)


@api.post("/triggers/<trigger_id>/snooze")
@operation("triggers", 200, schemas.Trigger, *BODY_PROBLEMS, 404, 409)
def snooze_trigger(trigger_id: str, json: schemas.Snooze) -> schemas.Trigger:
    """Be told once more, later, by every channel that took it; while that is to come, once."""
    span = json.until or json.hours
    found = services().snoozing.snooze(me().uid, trigger_id, None, span, now())
    if found.stand != "set":
        raise NotRepeatable(mail_answers.refusal_text(found))
    return schemas.Trigger.model_validate(found.trigger)
