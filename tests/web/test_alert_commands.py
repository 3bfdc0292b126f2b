"""`flask alerts` and `flask check` as people type them."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import g

from services.market.models import Bar
from tests.support.market import MONDAY
from tests.support.web import Person, Site
from web.commands.engine import EXTENSION
from workers.console import Console

ROOT = Path(__file__).parents[2]
Run = Callable[..., Result]


@pytest.fixture
def run(site: Site, person: Person) -> Run:
    """Type `flask ...` at the site's time; its engine asks the site's market."""
    console = Console(site.services, site.market, lambda: site.at)
    site.app.extensions[EXTENSION] = lambda: console

    def typed(*arguments: str) -> Result:
        with site.app.app_context():
            g.now = site.at
            return site.app.test_cli_runner().invoke(args=list(arguments))

    return typed


def added(run: Run, text: str = "AAPL above 200", *options: str) -> str:
    """Set an alert for Ada; its id."""
    result = run("alerts", "add", text, "--user", "ada@example.com", *options)
    assert result.exit_code == 0, result.output
    return result.output.split()[0]


def bar(days_ago: int, price: float) -> Bar:
    start = MONDAY.replace(hour=5) - timedelta(days=days_ago)
    return Bar(
        start=start,
        session=start.date(),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=100,
    )


def test_an_alert_is_set_listed_paused_resumed_and_deleted(run: Run):
    alert_id = added(run, "AAPL above 200 once a day")
    user = ("--user", "ada@example.com")
    listed = run("alerts", "list", *user).output
    assert listed == f"{alert_id}  armed      AAPL price rises to 200, once a day\n1 alerts\n"
    assert "paused" in run("alerts", "pause", alert_id, *user).output
    assert "armed" in run("alerts", "resume", alert_id, *user).output
    assert run("alerts", "delete", alert_id, *user).output == f"Deleted {alert_id}.\n"
    assert run("alerts", "list", *user).output == "0 alerts\n"


def test_the_list_tells_which_alerts_ring_in_quiet_hours(run: Run, site: Site, person: Person):
    alert_id = added(run)
    site.services.arming.amend(person.uid, alert_id, site.at, urgent=True)
    listed = run("alerts", "list", "--user", "ada@example.com").output
    assert listed.endswith(", in quiet hours, too\n1 alerts\n")


def test_an_alert_belongs_to_the_person_named(run: Run, stranger: Person):
    alert_id = added(run)
    theirs = ("--user", stranger.email)
    assert run("alerts", "list", *theirs).output == "0 alerts\n"
    refused = run("alerts", "delete", alert_id, *theirs)
    assert (refused.exit_code, refused.stderr) == (2, "Error: There is no such alert.\n")


def test_a_person_who_is_not_there_is_said(run: Run):
    refused = run("alerts", "list", "--user", "who@example.com")
    assert refused.exit_code == 2
    assert "nobody has the address who@example.com" in refused.stderr


def test_words_that_are_not_understood_are_pointed_at(run: Run):
    refused = run("alerts", "add", "AAPL abve 200", "--user", "ada@example.com")
    assert refused.exit_code == 2
    typed, arrow, error, *_ = refused.stderr.splitlines()
    assert (typed, arrow) == ("  AAPL abve 200", "       ^")
    assert error.startswith("Error: ")


def test_what_is_true_already_asks_what_to_do(run: Run, site: Site, person: Person):
    refused = run("alerts", "add", "AAPL above 50", "--user", "ada@example.com")
    assert refused.exit_code == 1
    assert "--fire-now or --wait" in refused.stderr
    added(run, "AAPL above 50", "--wait")
    added(run, "AAPL above 50", "--fire-now")
    states = [alert.state for alert in site.services.alerts.page(person.uid)[0]]
    assert sorted(states) == ["triggered", "waiting"]


def test_an_unknown_symbol_is_said(run: Run):
    refused = run("alerts", "add", "NOPE above 50", "--user", "ada@example.com")
    assert (refused.exit_code, refused.stderr) == (2, "Error: No quotes for NOPE.\n")


def test_a_preview_tables_what_rang(run: Run, site: Site):
    site.market.bars_of["AAPL", "1d"] = [
        bar(days, 94.0 if days in (9, 3) else 100.0) for days in range(30, 0, -1)
    ]
    shown = run("alerts", "preview", "aapl", "falls 5% today")
    assert shown.exit_code == 0, shown.output
    assert shown.output.splitlines() == [
        "AAPL is down by 5% today, every time",
        "2026-02-21 05:00  \N{MINUS SIGN}6\N{NARROW NO-BREAK SPACE}%".replace("  ", "  " + " " * 12)
        + "  at 94.00",
        "2026-02-27 05:00  \N{MINUS SIGN}6\N{NARROW NO-BREAK SPACE}%".replace("  ", "  " + " " * 12)
        + "  at 94.00",
        "2 rings from 2026-01-31 to 2026-03-01, source fixed",
        "Note: Change today: the first session had too little history.",
    ]


def test_a_preview_gives_json(run: Run, site: Site):
    site.market.bars_of["AAPL", "1d"] = [bar(3, 100.0), bar(2, 106.0)]
    shown = run("alerts", "preview", "AAPL", "above 105", "--years", "1", "--json")
    found = json.loads(shown.output)
    assert (found["count"], found["values"], found["sessions"]) == (1, [106.0], ["2026-02-28"])


def test_a_preview_looks_at_minutes_where_asked_for(run: Run, site: Site):
    site.market.bars_of["AAPL", "1m"] = [
        bar(0, price).model_copy(update={"start": MONDAY - timedelta(minutes=ago)})
        for ago, price in ((3, 100.0), (2, 106.0))
    ]
    shown = run("alerts", "preview", "AAPL", "above 105", "--minutes", "--json")
    assert json.loads(shown.output)["times"] == ["2026-03-02T14:58:00+00:00"]


def test_years_are_one_to_ten(run: Run):
    assert run("alerts", "preview", "AAPL", "above 105", "--years", "11").exit_code == 2


def test_a_check_is_explained_and_nothing_changes(run: Run, site: Site, person: Person):
    alert_id = added(run)
    site.later(minutes=5)
    site.market.set("AAPL", 201.0, site.at, day_high=201.0)
    before = site.services.alerts.get(person.uid, alert_id)
    held = {key: site.services.redis.dump(key) for key in site.services.redis.keys("armed*")}
    shown = run("check", "--explain", "aapl")
    assert shown.exit_code == 0, shown.output
    assert "high since the last check 201.00 USD ≥ 200.00 USD: rings" in shown.output
    assert site.services.alerts.get(person.uid, alert_id) == before
    assert {key: site.services.redis.dump(key) for key in held} == held
    assert site.services.triggers.page(person.uid)[0] == []


def test_a_check_by_hand_rings_and_says_what_it_did(run: Run, site: Site, person: Person):
    alert_id = added(run)
    site.later(minutes=5)
    site.market.set("AAPL", 201.0, site.at, day_high=201.0)
    shown = run("check", "--now", "--explain", "AAPL")
    assert shown.exit_code == 0, shown.output
    assert "Checked: 1 symbols, 0 asleep, 1 alerts came true, 1 recorded" in shown.output
    assert f"-> rang: trigger {alert_id}-1; it is triggered now" in shown.output
    (trigger,) = site.services.triggers.page(person.uid)[0]
    assert trigger.alert_id == alert_id


def test_an_explanation_is_given_as_json(run: Run):
    added(run)
    told = json.loads(run("check", "--explain", "AAPL", "--json").output)
    assert (told["symbol"], told["alerts"][0]["metric"]) == ("AAPL", "price")


def test_a_check_needs_to_know_what_to_do(run: Run):
    assert run("check").exit_code == 2
    assert run("check", "--explain", "???").exit_code == 2


def test_a_symbol_without_a_quote_is_said(run: Run):
    refused = run("check", "--explain", "NOPE")
    assert refused.exit_code == 2
    assert "the source has no price for it" in refused.stderr


@pytest.mark.slow
def test_the_commands_stand_in_the_help_of_flask():
    command = [sys.executable, "-m", "flask", "--app", "app", "alerts", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "preview" in shown.stdout, shown.stderr
