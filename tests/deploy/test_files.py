"""The files of all deployments say the same: processes, queues, settings, confinement."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import Settings
from tests.support.programs import ROOT
from workers.queues import QUEUES

DEPLOY = ROOT / "deploy"
SETTINGS = {name.upper() for name in Settings.model_fields} | {"WEB_CONCURRENCY"}
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = {name: part for name, part in COMPOSE["services"].items() if name != "redis"}
BASE = DEPLOY / "kubernetes/base"
CLOUD_RUN = {
    path.stem: yaml.safe_load(path.read_text()) for path in (DEPLOY / "cloudrun").glob("*.yaml")
}
APP = json.loads((ROOT / "app.json").read_text())


def objects(folder: Path) -> list[dict[str, Any]]:
    return [
        one
        for path in sorted(folder.glob("*.yaml"))
        for one in yaml.safe_load_all(path.read_text())
    ]


def deployments() -> dict[str, dict[str, Any]]:
    """The containers of Kubernetes' deployments, by name."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]
        for one in objects(BASE)
        if one["kind"] == "Deployment" and one["metadata"]["name"] != "all"
    }


def cloud_run(name: str) -> dict[str, Any]:
    """The container of one of Cloud Run's files."""
    spec = CLOUD_RUN[name]["spec"]["template"]["spec"]
    if "template" in spec:
        spec = spec["template"]["spec"]
    container: dict[str, Any] = spec["containers"][0]
    return container


def procfile(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.strip().splitlines())


def commands() -> dict[str, list[str]]:
    """All command lines of every place."""
    units = [path.read_text() for path in (DEPLOY / "systemd").glob("*.service")]
    return {
        "heroku": list(procfile((ROOT / "Procfile").read_text()).values()),
        "compose": [" ".join(part.get("command", ())) for part in OURS.values()],
        "kubernetes": [" ".join(one.get("command", ())) for one in deployments().values()],
        "cloudrun": [" ".join(cloud_run(name).get("command", ())) for name in CLOUD_RUN],
        "systemd": re.findall(r"^ExecStart=\S+/(.*)$", "\n".join(units), re.MULTILINE),
    }


# Processes


@pytest.mark.parametrize("place", commands())
def test_every_queue_has_one_kind_of_worker(place: str) -> None:
    lines = [line for line in commands()[place] if re.search(r"-m workers( |$)", line)]
    named = [queue for line in lines for queue in line.split("-m workers")[1].split()]
    assert sorted(named) == sorted(QUEUES) if named else len(lines) == 1


@pytest.mark.parametrize("place", commands())
def test_every_place_has_a_clock(place: str) -> None:
    assert sum("workers.clock" in line for line in commands()[place]) == 1


def test_terraform_has_the_same_queues() -> None:
    text = (DEPLOY / "terraform/run.tf").read_text()
    lists = re.findall(r"queues = (\[.*?\])", text)
    assert sorted(queue for one in lists for queue in json.loads(one)) == sorted(QUEUES)


@pytest.mark.parametrize("place", ["heroku", "compose"])
def test_documents_are_brought_up_to_date_before_anything_starts(place: str) -> None:
    assert sum(line.endswith("flask --app app migrate") for line in commands()[place]) == 1
    if place == "compose":
        others = set(OURS) - {"migrate"}
        done = {"condition": "service_completed_successfully"}
        assert all(OURS[name]["depends_on"]["migrate"] == done for name in others)


# Settings


def test_heroku_is_told_of_settings_that_there_are() -> None:
    assert set(APP["env"]) <= SETTINGS
    assert {"SECRET_KEY", "PUBLIC_URL", "PROXY_HOPS", "FIREBASE_PROJECT_ID"} <= set(APP["env"])
    assert APP["env"]["SECRET_KEY"]["generator"] == "secret"
    assert set(APP["formation"]) <= set(procfile((ROOT / "Procfile").read_text()))


def test_kubernetes_is_told_of_settings_that_there_are() -> None:
    told = next(one for one in objects(BASE) if one["kind"] == "ConfigMap")["data"]
    lines = (DEPLOY / "kubernetes/secret.example.env").read_text().splitlines()
    secrets = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    own = {variable["name"] for one in deployments().values() for variable in one.get("env", ())}
    assert set(told) | set(secrets) - {"REDIS_PASSWORD"} | own <= SETTINGS
    assert not set(told) & set(secrets)
    assert not any(secrets.values()), "a secret is in a file"


@pytest.mark.parametrize("name", CLOUD_RUN)
def test_cloud_run_is_told_of_settings_that_there_are(name: str) -> None:
    assert {variable["name"] for variable in cloud_run(name)["env"]} <= SETTINGS


def test_terraform_is_told_of_settings_that_there_are() -> None:
    text = (DEPLOY / "terraform/run.tf").read_text()
    block = text[text.index("settings = {") : text.index("secret_settings")]
    names = set(re.findall(r"^ +([A-Z_]+) +=", block, re.MULTILINE))
    secret = re.search(
        r"secret_names = toset\((\[.*\])\)", (DEPLOY / "terraform/secrets.tf").read_text()
    )
    assert secret
    names |= {name.upper().replace("-", "_") for name in json.loads(secret[1])}
    assert names <= SETTINGS
    assert {"PUBLIC_URL", "SECRET_KEY", "REDIS_URL", "FIREBASE_PROJECT_ID"} <= names


def test_every_variable_of_terraform_says_its_type_and_what_it_is() -> None:
    text = (DEPLOY / "terraform/variables.tf").read_text()
    for block in re.split(r"^(?=variable )", text, flags=re.MULTILINE)[1:]:
        assert re.search(r"^  type +=", block, re.MULTILINE), block
        assert re.search(r"^  description +=", block, re.MULTILINE), block


def test_secrets_of_terraform_are_shown_nowhere() -> None:
    text = (DEPLOY / "terraform/variables.tf").read_text()
    for name in ("smtp_url", "vapid_private_key"):
        block = text[text.index(f'variable "{name}"') :].split("\n}\n")[0]
        assert "sensitive   = true" in block
        assert "default" not in block
    assert "secret" not in (DEPLOY / "terraform/outputs.tf").read_text()


# Confinement


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_container_of_compose_is_confined_and_has_limits(name: str) -> None:
    part = COMPOSE["services"][name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert part["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert set(part["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert "healthcheck" in part or name == "web"  # the web's stands in the image


def test_redis_is_reached_from_inside_only() -> None:
    redis = COMPOSE["services"]["redis"]
    assert "ports" not in redis
    assert redis["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_the_web_of_compose_listens_to_its_machine_unless_told_otherwise() -> None:
    assert OURS["web"]["ports"] == ["${LISTEN:-127.0.0.1:8080}:8080"]


def test_every_pod_has_a_disruption_budget_and_every_container_its_resources() -> None:
    budgets = {one["metadata"]["name"] for one in objects(BASE) if one["kind"].endswith("Budget")}
    assert budgets == set(deployments())
    for name, container in deployments().items():
        assert {"requests", "limits"} <= set(container["resources"]), name
        assert "livenessProbe" in container, name


def test_processes_are_given_longer_than_they_take_to_end() -> None:
    """gunicorn gives requests 20 s (gunicorn.conf.py), behind the 5 s of preStop."""
    graces = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        for one in objects(BASE)
        if one["kind"] == "Deployment" and one["metadata"]["name"] != "all"
    }
    assert graces["web"] >= 5 + 20 + 5
    assert min(graces["worker"], graces["sender"]) >= 60
    assert re.search(r"graceful_timeout = 2 if .* else 20", (ROOT / "gunicorn.conf.py").read_text())
    assert int(OURS["web"]["stop_grace_period"].rstrip("s")) >= 25


def test_probes_are_not_led_to_the_public_address() -> None:
    secure = {"name": "X-Forwarded-Proto", "value": "https"}
    containers = (deployments()["web"], cloud_run("web"))
    probes = [one[key] for one in containers for key in one if key.endswith("Probe")]
    assert len(probes) == 5
    assert all(secure in probe["httpGet"]["httpHeaders"] for probe in probes)


# The image


def test_the_image_holds_only_what_runs() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    assert not {path for path in kept if path.startswith((".env", "var", "tests", ".git"))}
    assert (ROOT / ".dockerignore").read_text().startswith("*\n")


def test_the_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    users = re.findall(r"^USER (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["10001:10001"]


def test_every_lock_file_of_the_image_has_hashes() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes" in text
    installed = set(re.findall(r"-r (requirements_\w+\.txt)", text))
    copied = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().split() if "requirements" in line
    }
    assert installed == copied


def test_heroku_installs_what_is_locked() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "-r requirements_production.txt",
        "-r requirements_gs.txt",
    ]


def test_tools_that_check_have_reasons_in_pyproject() -> None:
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["deploy"]
    names = {re.split(r"[>=]", one)[0] for one in group}
    locked = (ROOT / "requirements_deploy.txt").read_text()
    assert all(f"\n{name}==" in f"\n{locked}" for name in names)
