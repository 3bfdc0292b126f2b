"""The web application on SQLite, a real Redis and a scripted market; time is in the test's hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from argon2 import PasswordHasher
from flask import Flask, g
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from redis import Redis
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from config import Settings
from services.accounts import Accounts
from services.accounts.passwords import Passwords
from services.container import Services
from services.market.cache import QuoteCache
from services.market.models import Match
from services.store.contract import Store
from services.store.kept import KeptStore
from services.store.shelf import Shelf
from tests.support.market import MONDAY, FixedProvider, RecordingJobs
from web.limits import limiter

PASSWORD = "correct horse battery"
FAST_PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class CompiledTemplates(BytecodeCache):
    """Compiles each template once for all applications of this process."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.code


COMPILED = CompiledTemplates()


class RuleCompiledOnce(Rule):
    """Shares what a rule is compiled to: that is most of making an application."""

    _compiled: ClassVar[dict[tuple[Any, ...], Rule]] = {}

    def compile(self) -> None:
        key = (self.rule, repr(self.defaults), self.subdomain, self.host)
        if key not in self._compiled:
            super().compile()
            self._compiled[key] = self
        made = vars(self._compiled[key])
        parts = ("_parts", "_trace", "_converters", "arguments", "_build", "_build_unknown")
        vars(self).update({part: made[part] for part in parts})


Flask.url_rule_class = RuleCompiledOnce


@dataclass
class Site:
    """An application, what stands behind it, and the time `at` of every request.

    AAPL, MSFT and some more trade at 100; what workers would fetch is fetched at once.
    """

    app: Flask
    services: Services
    market: FixedProvider
    jobs: RecordingJobs
    at: datetime = MONDAY

    def later(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at

    def price(self, price: float, symbol: str = "AAPL", **fields: Any) -> None:
        """Let `symbol` trade at `price` from now on."""
        self.market.set(symbol, price, self.at, **fields)
        self.later(minutes=6)

    def person(self, email: str = "ada@example.com") -> "Person":
        """Somebody with a confirmed address and a token."""
        uid = self.services.accounts.create_confirmed(email, PASSWORD, self.at)
        token = self.services.accounts.create_token(email, PASSWORD, self.at)
        return Person(self, uid, email, PASSWORD, token)

    def browser(self, person: "Person") -> "Browser":
        """A browser in which somebody has signed in."""
        client = self.app.test_client()
        with client.session_transaction() as session:
            session |= {"uid": person.uid, "auth_epoch": 1, "csrf_token": "drawn"}
        signer = URLSafeTimedSerializer(self.app.secret_key, salt="wtf-csrf-token")
        return Browser(client, signer.dumps("drawn"))


@dataclass
class Browser:
    """A client with a session's cookie, and the CSRF token that its pages hold."""

    client: FlaskClient
    csrf_token: str


@dataclass
class Person:
    """Somebody who uses the API at `/api/v1` with a token."""

    site: Site
    uid: str
    email: str
    password: str
    token: str
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.site.app.test_client()

    def ask(self, method: str, path: str, json: Any = None, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        if json is not None:
            options["json"] = json
        return self.client.open("/api/v1" + path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.ask("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.ask("POST", path, json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.ask("PATCH", path, json, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.ask("DELETE", path, **options)


UNLIMITED = "1000000 per minute"


def make_site(
    store: Store,
    redis: Redis,
    redis_url: str,
    folder: Path,
    *,
    rate_limit: str = UNLIMITED,
    **more: Any,
) -> Site:
    """A site; `more` are settings."""
    from app import create_app  # here, for tests without the web need not load it

    settings = Settings(
        _env_file=None,
        redis_url=redis_url,
        bellwether_data=folder,
        secret_key="known to tests only",
        port=5000,
        rate_limit=rate_limit,
        **more,
    )
    jobs, market = RecordingJobs(), FixedProvider()
    services = Services(settings, KeptStore(store, Shelf(redis)), redis, jobs)
    accounts = Accounts(
        services.users, services.profiles, redis, jobs, services.links, FAST_PASSWORDS
    )
    services.__dict__["accounts"] = accounts
    app = create_app(settings, services)
    app.jinja_env.bytecode_cache = COMPILED
    site = Site(app, services, market, jobs)
    jobs.run_market(market, QuoteCache(redis), lambda: site.at)
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: setattr(g, "now", site.at))
    for symbol in ("AAPL", "MSFT", "IBM", "BRK-B", "^GSPC", "EURUSD=X", "7203.T", "CL=F"):
        market.set(symbol, 100.0)
    market.matches_of["apple"] = [
        Match(symbol="AAPL", name="Apple Inc.", exchange="NASDAQ", kind="equity")
    ]
    return site


@pytest.fixture
def site(chosen_store: Store, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    """A site whose limits are not used up."""
    yield make_site(chosen_store, redis, redis_url, tmp_path)
    limiter._storage_dead = False


@pytest.fixture
def web_app(site: Site) -> Flask:
    return site.app


@pytest.fixture
def client(web_app: Flask) -> FlaskClient:
    """A browser without cookies."""
    return web_app.test_client()


@pytest.fixture
def person(site: Site) -> Person:
    """Ada, who has an account and a token."""
    return site.person()


@pytest.fixture
def stranger(site: Site) -> Person:
    """Bob, who has an account and a token too."""
    return site.person("bob@example.com")
