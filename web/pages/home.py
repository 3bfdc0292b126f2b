"""The way in: what Bellwether is, or the reader's first list."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from services import texts
from services.watching import ensure_default
from web import specimen
from web.context import now, services, signed_in

pages = Blueprint("home", __name__)


@pages.get("/")
def home() -> Response | str:
    person = signed_in()
    if person is None:
        return render_template(
            "home.html",
            trigger=specimen.TRIGGER,
            rang=specimen.day(),
            drawn=specimen.drawn(texts.language()),
        )
    first, *_ = ensure_default(services().watchlists, person.uid, now())
    return redirect(url_for("watchlists.show", list_id=first.id))
