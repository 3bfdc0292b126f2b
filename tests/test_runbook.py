"""What the pages for operators name exists: commands with their options, rules, places to go on."""

import re
from pathlib import Path

import click
import pytest
from flask.cli import FlaskGroup

from app import create_app
from config import ROOT, Settings

PAGES = [ROOT / "docs" / "operations" / name for name in ("runbook.md", "sizing.md", "threats.md")]
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
FLASK = re.compile(r"flask --app app ([a-z][^`\n\"|]*)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
RULE = re.compile(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`")


@pytest.fixture
def commands(tmp_path: Path) -> click.Group:
    settings = Settings(
        _env_file=None, bellwether_env="development", bellwether_data=tmp_path, secret_key="tests",
        redis_url="redis://127.0.0.1:1/0",
    )  # fmt: skip
    application = create_app(settings)
    group = FlaskGroup(create_app=lambda: application)
    for name, command in application.cli.commands.items():
        group.add_command(command, name)
    return group


def named() -> list[str]:
    text = "\n".join(page.read_text() for page in PAGES)
    return sorted({found.split("   ")[0].strip() for found in FLASK.findall(text)})


def test_every_command_and_option_exists(commands: click.Group) -> None:
    assert len(named()) > 10
    for line in named():
        command: click.Command = commands
        for word in line.split():
            if word.startswith("--"):
                options = {name for each in command.params for name in each.opts}
                assert word in options, line
            elif isinstance(command, click.Group):
                found = command.commands.get(word)
                assert found, line
                command = found


def test_every_rule_exists() -> None:
    rules = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    text = "\n".join(page.read_text() for page in PAGES[:2])
    told = set(RULE.findall(text))
    assert told
    assert told <= rules


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in headings}
