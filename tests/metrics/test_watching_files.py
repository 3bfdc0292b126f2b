"""The dashboard and the alert rules ask for nothing that Bellwether does not export."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from services.alerts.checker import Report
from services.market.cache import QuoteCache
from services.metrics import REGISTRY
from services.metrics.site import GAUGES
from services.notify.ledger import SharedLedger
from services.pulse import Pulse
from services.store.system import Shard
from tests.support.web import Site
from workers.seen import note_check

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/rules.yml"
DASHBOARD = ROOT / "deploy/grafana/bellwether.json"
_NAME = re.compile(r"\bbellwether_\w+")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [p for p in json.loads(DASHBOARD.read_text())["panels"] if p["type"] != "row"]


def expressions() -> Iterator[str]:
    for rule in rules():
        yield rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "5m")


def exported() -> set[str]:
    """Every name under which a sample may be found."""
    names = {*GAUGES}
    for family in REGISTRY.collect():
        if family.type == "counter":
            names.add(f"{family.name}_total")
        elif family.type == "histogram":
            names |= {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
        else:
            names.add(family.name)
    return names


def test_each_expression_is_one_that_prometheus_reads() -> None:
    for expression in expressions():
        promql_parser.parse(expression)


def test_each_metric_that_is_asked_for_is_exported() -> None:
    asked = {name for expression in expressions() for name in _NAME.findall(expression)}
    assert asked <= exported()


def test_each_metric_is_shown_or_watched() -> None:
    asked = " ".join(expressions())
    families = {*GAUGES, *(family.name for family in REGISTRY.collect())}
    assert not {name for name in families if name not in asked}


def test_each_label_that_a_sum_keeps_is_one_that_the_metric_has() -> None:
    declared = REGISTRY._collector_to_names
    labels = {label for collector in declared for label in collector._labelnames}  # type: ignore[attr-defined]
    labels |= {"le", "instance", "pid"} | {"kind", "queue", "source"}
    for expression in expressions():
        for kept in re.findall(r"\bby \(([^)]*)\)", expression):
            assert {label.strip() for label in kept.split(",")} <= labels


def test_each_rule_says_how_grave_it_is_and_what_happened() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith((".", "B."))
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_panels_neither_overlap_nor_share_an_id() -> None:
    found = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    taken: set[tuple[int, int]] = set()
    for panel in found:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_a_running_site_exports_what_is_true_of_it(site: Site, client: FlaskClient) -> None:
    services, now = site.services, site.at
    begun = now - timedelta(seconds=2)
    note_check(services, Shard(), Report(symbols=3, completed=True), begun, now)
    QuoteCache(services.redis).failed("yahoo", "Yahoo is away.", now)
    Pulse(services.redis).note_backup(now)
    SharedLedger(services.redis)
    text = client.get("/metrics").text
    found = {
        sample.name for family in text_string_to_metric_families(text) for sample in family.samples
    }
    assert set(GAUGES) <= found


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_rules_fire_when_they_should() -> None:
    folder = RULES.parent
    subprocess.run(["promtool", "check", "rules", "rules.yml"], cwd=folder, check=True)
    subprocess.run(["promtool", "test", "rules", "rules.test.yml"], cwd=folder, check=True)
