"""Every component in every state, for those who build pages with them; on one machine only."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from web.forms import Form
from web.pages.local_mail import local_only

pages = Blueprint("design", __name__)


@pages.get("/local/design")
@local_only
def show() -> ResponseReturnValue:
    return render_template("local/design.html", form=_faulty_form())


def _faulty_form() -> Form:
    form = Form({"email": "ada@example", "level": "1,000", "note": "Why this level"})
    return form.refuse("Write 1000 without the comma.", "level")
