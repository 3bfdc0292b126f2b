"""Debian's Chromium, and the site on a real server for it."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import g
from playwright.sync_api import Browser, Error, sync_playwright
from werkzeug.serving import make_server

from services.market.cache import QuoteCache
from tests.support.web import Site

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--in-process-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this process; skips where none is installed."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing. Install it: sudo apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        try:
            browser.close()
        except Error as error:
            pytest.fail(f"Chromium did not end well: {error}")


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    """Where `site` is served from a thread, with the real time."""

    def real_time() -> None:
        site.at = datetime.now(UTC)
        g.now = site.at

    before: list[object] = site.app.before_request_funcs[None]  # type: ignore[assignment]
    before.insert(1, real_time)
    site.at = datetime.now(UTC)
    redis = site.services.redis
    site.jobs.run_market(site.market, QuoteCache(redis), lambda: datetime.now(UTC), redis)
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
    from web.pages import live  # here, as the application is

    with site.app.app_context():
        live.hub().close()
