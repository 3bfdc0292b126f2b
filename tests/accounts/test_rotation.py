"""SECRET_KEY may hold several keys: a change of it signs nobody out and breaks no link."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from app import create_app
from config import Settings, keys_of
from services.accounts.links import Links
from services.errors import AuthenticationFailed
from tests.support.web import Site

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
OLD, NEW = "known", "fresh"
"""The first word of the key of tests/support/web.py is the one that signs there."""


def links(keys: str) -> Links:
    return Links(Settings(_env_file=None, secret_key=keys).signing_keys())


@pytest.mark.parametrize("text", ["new,old", "new old", " new ,\n old, "])
def test_keys_have_commas_or_spaces_between_and_the_first_signs(text: str) -> None:
    assert keys_of(text) == ["new", "old"]
    settings = Settings(_env_file=None, secret_key=text)
    assert (settings.signing_key(), settings.signing_keys()) == ("new", ["old", "new"])


def test_a_key_of_nothing_but_commas_is_none(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, secret_key=" , ", bellwether_data=tmp_path)
    assert len(settings.signing_key()) > 60


def test_a_link_made_with_the_old_key_works_until_that_key_is_removed() -> None:
    token = links(OLD).make_pause("u", "a", NOW)
    assert links(f"{NEW},{OLD}").paused(token, NOW) == ("u", "a")
    with pytest.raises(AuthenticationFailed):
        links(NEW).paused(token, NOW)


def test_a_new_link_is_signed_with_the_new_key_alone() -> None:
    token = links(f"{NEW},{OLD}").make_pause("u", "a", NOW)
    assert links(NEW).paused(token, NOW) == ("u", "a")
    with pytest.raises(AuthenticationFailed):
        links(OLD).paused(token, NOW)


@pytest.mark.parametrize(("keys", "status"), [(f"{NEW},{OLD}", 302), (NEW, 400)])
def test_a_form_that_was_open_can_be_sent_until_the_old_key_is_removed(
    site: Site, keys: str, status: int
) -> None:
    browser = site.browser(site.person())
    settings = site.services.settings.model_copy(update={"secret_key": keys})
    rotated = create_app(settings, site.services).test_client()
    rotated._cookies = browser.client._cookies  # the browser of before, at the new server
    form = {"csrf_token": browser.csrf_token, "name": "More"}
    assert rotated.post("/watchlists/new", data=form).status_code == status


def test_a_session_of_before_is_still_signed_in(site: Site) -> None:
    browser = site.browser(site.person())
    settings = site.services.settings.model_copy(update={"secret_key": NEW})
    rotated = create_app(settings, site.services).test_client()
    rotated._cookies = browser.client._cookies
    assert rotated.get("/account").status_code == 200


def test_flask_itself_believes_what_the_old_key_signed(site: Site) -> None:
    settings = site.services.settings.model_copy(update={"secret_key": f"{NEW},{OLD}"})
    app = create_app(settings, site.services)
    assert (app.secret_key, app.config["SECRET_KEY_FALLBACKS"]) == (NEW, [OLD])
    signed = URLSafeTimedSerializer(OLD, salt="wtf-csrf-token").dumps("drawn")
    keys = app.config["WTF_CSRF_SECRET_KEY"]
    assert URLSafeTimedSerializer(keys, salt="wtf-csrf-token").loads(signed) == "drawn"
