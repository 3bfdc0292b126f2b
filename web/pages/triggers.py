"""The history: everything that rang, with its evidence."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from web.api.paging import store_cursor, text_of
from web.context import me, people_only, services

SHOWN = 30
pages = Blueprint("triggers", __name__)


@pages.get("/triggers")
@people_only
def index() -> ResponseReturnValue:
    after = store_cursor("triggers", request.args.get("after"))
    triggers, more = services().triggers.page(me().uid, after, SHOWN)
    return render_template("triggers/index.html", triggers=triggers, more=text_of("triggers", more))
