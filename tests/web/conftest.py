"""A reader of pages: a browser without scripts, on the site of tests/support/web.py."""

import re
from dataclasses import dataclass
from html import unescape
from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.alerts.conditions import PriceCondition, PriceKind
from services.alerts.facts import Facts
from services.market.desk import QuoteDesk
from services.market.lookup import Lookup
from services.store.alerts import Alert
from tests.support.market import make_quote
from tests.support.web import PASSWORD, Site

LIST = "/watchlists/default"


@dataclass
class Reader:
    """Somebody at a browser that runs no scripts."""

    site: Site
    client: FlaskClient
    email: str = "ada@example.com"
    uid: str = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def page(self, path: str, **options: Any) -> str:
        """The text of a page that must be there, after redirects, without markup."""
        answer = self.client.get(path, follow_redirects=True, **options)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return words(answer)

    def token(self) -> str:
        path = "/account" if self.uid else "/sign-in"
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        assert found
        return found[1]

    def send(self, path: str, **fields: Any) -> TestResponse:
        """Send a form with its token."""
        return self.client.post(path, data={"csrf_token": self.token(), **fields})

    def sign_in(self, password: str = PASSWORD) -> TestResponse:
        return self.send("/sign-in", email=self.email, password=password)

    def alert(
        self,
        kind: PriceKind = "price_rises_to",
        level: float = 150.0,
        symbol: str = "AAPL",
        **more: Any,
    ) -> Alert:
        """An alert of this reader, set on a price of 100."""
        quote = make_quote(symbol, source=self.site.market.name)
        condition = PriceCondition(kind=kind, level=level)
        return self.site.services.arming.create(
            self.uid, Facts(quote), condition, self.site.at, **more
        )


def words(answer: TestResponse) -> str:
    """The text of an answer as people read it: no tags, single spaces."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", text)).split())


@pytest.fixture
def anybody(site: Site) -> Reader:
    """Somebody who is not signed in."""
    return Reader(site, site.app.test_client())


@pytest.fixture
def ada(site: Site) -> Reader:
    """Ada, signed in, with a confirmed address and her first list."""
    return signed_in(site, "ada@example.com")


@pytest.fixture
def bob(site: Site) -> Reader:
    """Bob, signed in too."""
    return signed_in(site, "bob@example.com")


def have_no_patience(site: Site) -> None:
    """From now on pages wait for no worker."""
    seconds = count(step=10)
    services = site.services
    desk = QuoteDesk(services.redis, site.jobs, lambda _: None, lambda: float(next(seconds)))
    services.__dict__.update(desk=desk, lookup=Lookup(desk))


def signed_in(site: Site, email: str) -> Reader:
    uid = site.services.accounts.create_confirmed(email, PASSWORD, site.at)
    reader = Reader(site, site.app.test_client(), email)
    assert reader.sign_in().status_code == 302
    reader.uid = uid
    return reader
