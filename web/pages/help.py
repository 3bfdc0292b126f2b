"""What the words mean and what the keys do, for everybody."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

pages = Blueprint("help", __name__)


@pages.get("/help")
def show() -> ResponseReturnValue:
    return render_template("help/show.html")
