"""The history: everything that rang, with its evidence, and being told of it once more."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.notify import snoozing
from web import mail_answers
from web.api.paging import store_cursor, text_of
from web.context import me, now, people_only, services

SHOWN = 30
pages = Blueprint("triggers", __name__)


@pages.get("/triggers")
@people_only
def index() -> ResponseReturnValue:
    after = store_cursor("triggers", request.args.get("after"))
    triggers, more = services().triggers.page(me().uid, after, SHOWN)
    return render_template(
        "triggers/index.html",
        triggers=triggers,
        repeatable={t.id for t in triggers if snoozing.was_told_lately(t, now())},
        more=text_of("triggers", more),
    )


@pages.post("/triggers/<trigger_id>/snooze")
@people_only
def snooze(trigger_id: str) -> ResponseReturnValue:
    """Remind in an hour; asked twice, once."""
    found = services().snoozing.snooze(me().uid, trigger_id, None, snoozing.HOURS[0], now())
    is_set = found.stand == "set"
    flash(mail_answers.set_text(found, now()) if is_set else mail_answers.refusal_text(found))
    return redirect(url_for("triggers.index", after=request.args.get("after")))
