"""Lighthouse's four scores of the main pages, on its own settings for mobile, in Chromium.

    python -m bench.lighthouse [--page NAME] [--runs 3] [--reports FOLDER]

gunicorn serves somebody with 50 symbols, alerts and triggers, whose quotes and bars lie in Redis
already. Each page is audited in several new browsers; the middle one by performance counts.
Prints a table and JSON; exits with 1 below the bar of budget.json. A loaded machine
lowers the performance that is measured: the load is printed, too.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

from bench.web import redis_on_a_port, served, site_on
from services.redis_client import open_redis
from services.store.sqlite import SqliteStore
from tests.support.flock import EMAIL, Flock, settle
from tests.support.web import PASSWORD, Person, Site

HERE = Path(__file__).parent
CHROMIUM = Path("/usr/bin/chromium")
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


@dataclass(frozen=True)
class Page:
    name: str
    path: str
    signed_in: bool = True


PAGES = (
    Page("watchlist", "/watchlists/default"),
    Page("symbol", "/symbols/AAPL"),
    Page("editor", "/alerts/new?symbol=AAPL&kind=price_falls_to&level=180"),
    Page("alert", "/alerts/{armed}"),
    Page("sign-in", "/sign-in", signed_in=False),
)


def missing() -> str:
    """What this machine lacks, with the remedy; empty where it has all."""
    if not shutil.which("npm"):
        return "Lighthouse needs Node 18 or later and npm: sudo apt install nodejs npm"
    if not CHROMIUM.exists():
        return f"{CHROMIUM} is missing. Install it: sudo apt install chromium"
    return ""


def install() -> None:
    """Lighthouse as the lock file has it, where it is not there yet."""
    lock, done = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
        return
    print("Installing Lighthouse into bench/lighthouse/node_modules; this takes a minute.")
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=HERE, check=True)
    done.touch()


def warm(site: Site, flock: Flock, pages: Sequence[Page]) -> str:
    """A session's cookie; each page has been seen once, so that what workers would fetch is
    there."""
    client = site.browser(Person(site, flock.uid, EMAIL, PASSWORD, "")).client
    for page in (page for page in pages if page.signed_in):
        answer = client.get(page.path)
        if answer.status_code != 200:
            raise SystemExit(f"{page.path} answers {answer.status}.")
    for days in ("1d", "1y", "10y"):
        client.get(f"/api/v1/bars/AAPL?range={days}")
    cookie = client.get_cookie("session")
    assert cookie
    return f"session={cookie.value}"


def audit(
    pages: Sequence[Page], address: str, cookie: str, folder: Path, runs: int
) -> list[dict[str, Any]]:
    """What audit.js found, page by page; Lighthouse's reports are in `folder` then."""
    wanted = folder / "wanted.json"
    asked = [
        {"name": p.name, "address": address + p.path, "cookie": cookie if p.signed_in else ""}
        for p in pages
    ]
    wanted.write_text(json.dumps({"pages": asked, "chromium": str(CHROMIUM), "runs": runs}))
    command = ["node", "audit.js", str(wanted), str(folder)]
    output = subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True).stdout
    found: list[dict[str, Any]] = json.loads(output.splitlines()[-1])
    return found


def measure(chosen: Sequence[Page], reports: Path, runs: int) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        url = stack.enter_context(redis_on_a_port(folder))
        redis = stack.enter_context(closing(open_redis(url)))
        store = stack.enter_context(closing(SqliteStore(folder / "bellwether.sqlite3")))
        site = site_on(store, redis, url, folder)
        site.at = datetime.now(UTC)
        flock = settle(site)
        pages = [Page(p.name, p.path.format(**flock.alerts), p.signed_in) for p in chosen]
        cookie = warm(site, flock, pages)
        key = site.services.settings.secret_key
        address = stack.enter_context(served("app:app", 1, folder, url, key))
        for page in pages:  # a process that has just started reads its templates first
            asked = Request(address + page.path, headers={"Cookie": cookie})
            urlopen(asked, timeout=30).close()
        return audit(pages, address, cookie, reports, runs)


def beyond(page: dict[str, Any], budget: dict[str, float]) -> list[str]:
    """What of a page does not hold its budget."""
    told = [f"{name} {score}" for name, score in page["scores"].items() if score < budget["score"]]
    most = {
        "largest_paint_seconds": budget["largest_paint_seconds"],
        "layout_shift": budget["layout_shift"],
        "script_kilobytes": budget["script_kilobytes_before_chart"],
    }
    if not page["has_chart"]:
        most["kilobytes"] = budget["kilobytes_without_chart"]
    told += [f"{name} {page[name]:.3g} > {bar:g}" for name, bar in most.items() if page[name] > bar]
    return told + ([page["trouble"]] if page["trouble"] else [])


def show(pages: Sequence[dict[str, Any]], budget: dict[str, float]) -> bool:
    """Whether all pages hold the budget."""
    print(f"{'':<10}{'perf':>6}{'a11y':>6}{'best':>6}{'seo':>6}", end="")
    print(f"{'LCP':>9}{'shift':>8}{'KB':>7}{'of JS':>7}{'requests':>10}")
    for page in pages:
        print(f"{page['name']:<10}", end="")
        print("".join(f"{page['scores'][name]:>6}" for name in CATEGORIES), end="")
        print(f"{page['largest_paint_seconds']:>7.2f} s{page['layout_shift']:>8.3f}", end="")
        print(f"{page['kilobytes']:>7.0f}{page['script_kilobytes']:>7.0f}{page['requests']:>10}")
    faults = {page["name"]: beyond(page, budget) for page in pages}
    for page in pages:
        for fault in [*faults[page["name"]], *page["faults"]]:
            print(f"{page['name']}: {fault}")
    return not any(faults.values())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.lighthouse")
    parser.add_argument("--page", action="append", choices=[page.name for page in PAGES])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--reports", type=Path, help="keep Lighthouse's reports in this folder")
    chosen = parser.parse_args()
    if reason := missing():
        print(reason)
        return 2
    install()
    wanted = [page for page in PAGES if not chosen.page or page.name in chosen.page]
    budget = json.loads((HERE / "budget.json").read_text())
    with TemporaryDirectory() as temporary:
        reports = (chosen.reports or Path(temporary)).absolute()
        reports.mkdir(parents=True, exist_ok=True)
        found = measure(wanted, reports, chosen.runs)
    held = show(found, budget)
    load, _, _ = os.getloadavg()
    print(f"Load of the machine at the end: {load:.1f} on {os.cpu_count()} cores.")
    print(json.dumps({"budget": budget, "load": load, "pages": found}))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
