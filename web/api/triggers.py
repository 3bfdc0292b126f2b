"""Triggers: what rang, with the evidence and how far its deliveries are."""

from services.errors import NotRepeatable
from web import mail_answers
from web.api import schemas
from web.api.blueprint import api
from web.api.openapi import BODY_PROBLEMS, operation
from web.api.paging import store_cursor, text_of
from web.context import me, now, services


@api.get("/triggers")
@operation("triggers", 200, schemas.Triggers)
def read_triggers(query: schemas.TriggersQuery) -> schemas.Triggers:
    """Read what rang, newest first; of one alert if `alert_id` is given."""
    after = store_cursor("triggers", query.cursor)
    found, following = services().triggers.page(
        me().uid, after, query.limit, alert_id=query.alert_id
    )
    return schemas.Triggers(
        items=[schemas.Trigger.model_validate(trigger) for trigger in found],
        next=text_of("triggers", following),
    )


@api.get("/triggers/<trigger_id>")
@operation("triggers", 200, schemas.Trigger, 404)
def read_trigger(trigger_id: str) -> schemas.Trigger:
    """Read one trigger."""
    return schemas.Trigger.model_validate(services().triggers.get(me().uid, trigger_id))


@api.post("/triggers/<trigger_id>/snooze")
@operation("triggers", 200, schemas.Trigger, *BODY_PROBLEMS, 404, 409)
def snooze_trigger(trigger_id: str, json: schemas.Snooze) -> schemas.Trigger:
    """Be told once more, later, by every channel that took it; while that is to come, once."""
    found = services().snoozing.snooze(me().uid, trigger_id, None, json.hours, now())
    if found.stand != "set":
        raise NotRepeatable(mail_answers.refusal_text(found))
    return schemas.Trigger.model_validate(found.trigger)
