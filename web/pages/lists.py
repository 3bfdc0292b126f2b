"""The lists themselves: create, rename, move, delete."""

from functools import partial

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.errors import InvalidInput, LimitReached, NotFound
from services.ids import new_id
from services.store.watchlists import MAX_NAME, MAX_NOTE, Watchlist
from services.texts import gettext as _
from web import forms
from web.context import me, now, people_only, services
from web.forms import Form
from web.once import new_token, once

pages = Blueprint("lists", __name__, url_prefix="/watchlists")


@pages.get("/new")
@people_only
def new() -> ResponseReturnValue:
    return _new(Form())


@pages.post("/new")
@people_only
def create() -> ResponseReturnValue:
    form = Form.posted("name", "once")
    try:
        name = forms.list_name(form["name"])
        list_id = once(form["once"], lambda: _create(name))
    except InvalidInput as error:
        return _new(form.refuse_input(error)), 422
    except LimitReached as error:
        return _new(form.refuse(str(error), "name")), 422
    if list_id is None:
        return redirect(url_for("home.home"))
    return redirect(url_for("watchlists.show", list_id=list_id))


@pages.get("/<list_id>/edit")
@people_only
def edit(list_id: str) -> ResponseReturnValue:
    return edit_page(list_id, Form())


@pages.post("/<list_id>/name")
@people_only
def rename(list_id: str) -> ResponseReturnValue:
    form = Form.posted("name")
    try:
        name = forms.list_name(form["name"])
    except InvalidInput as error:
        return edit_page(list_id, form.refuse_input(error)), 422
    services().watchlists.change(me().uid, list_id, lambda found: found.replace(name=name))
    flash(_("The list has its new name."))
    return redirect(url_for("lists.edit", list_id=list_id))


@pages.post("/<list_id>/position")
@people_only
def move(list_id: str) -> ResponseReturnValue:
    """Move a list one place among the tabs."""
    lists = services().watchlists.of(me().uid)
    order = [found.id for found in lists]
    if list_id not in order:
        raise NotFound("There is no such list.")
    place = order.index(list_id)
    order.insert(max(0, place + (-1 if request.form.get("to") == "left" else 1)), order.pop(place))
    _renumber(lists, order)
    return redirect(url_for("lists.edit", list_id=list_id))


@pages.post("/<list_id>/delete")
@people_only
def delete(list_id: str) -> ResponseReturnValue:
    watchlist = services().watchlists.get(me().uid, list_id)
    services().watchlists.delete(me().uid, list_id)
    flash(_("The list %(name)s is deleted. Its alerts stay.", name=watchlist.name))
    return redirect(url_for("home.home"))


def edit_page(list_id: str, form: Form) -> str:
    """The page on which a list is changed."""
    watchlist = services().watchlists.get(me().uid, list_id)
    return render_template(
        "watchlists/edit.html",
        watchlist=watchlist,
        lists=services().watchlists.of(me().uid),
        form=form,
        max_name=MAX_NAME,
        max_note=MAX_NOTE,
    )


def _new(form: Form) -> str:
    return render_template("watchlists/new.html", form=form, once=new_token(), max_name=MAX_NAME)


def _create(name: str) -> str:
    lists = services().watchlists.of(me().uid)
    position = max((found.position for found in lists), default=-1) + 1
    made = Watchlist(
        uid=me().uid, id=new_id(now()), name=name, position=position, entries=(), created_at=now()
    )
    services().watchlists.create(made)
    return made.id


def _renumber(lists: list[Watchlist], order: list[str]) -> None:
    for found in lists:
        place = order.index(found.id)
        if found.position != place:
            services().watchlists.change(found.uid, found.id, partial(_at, place))


def _at(place: int, watchlist: Watchlist) -> Watchlist:
    return watchlist.replace(position=place)
