"""What no line of Bellwether may do, read from the code itself; ruff's S rules hold the rest."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from local.audit import holes, unexplained

ROOT = Path(__file__).parents[1]
SERVED = ("services", "web", "workers")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = [file for file in TEMPLATES if file.parent.name != "mail"]
"""Mail programs know no style sheets."""
MAY_ASK_THE_NETWORK = {
    "services/notify/guarded.py",  # what guards all addresses that people enter
    "services/notify/channels/webhook/transport.py",  # within the guard
    "services/notify/channels/webhook/address.py",  # reads addresses only
    "services/notify/channels/apprise/transport.py",  # within the guard
    "services/notify/channels/apprise/reason.py",  # reads errors only
    "services/notify/channels/push/web_push.py",  # within the guard
    "services/market/news_api.py",  # one fixed address
    "services/doctor/outside.py",  # the operator's own site, on demand
    "web/alive.py",  # its own machine
}
MAY_ANSWER_WITHOUT_A_TOKEN = {
    "web/api/__init__.py": "auth.py asks for the token where a session asks",
    "web/pages/theme.py": "a colour",
    "web/pages/language.py": "a language; SameSite keeps others out",
    "web/pages/mail_links.py": "the signed address is what no other site knows",
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "render_template_string"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "subprocess", "xml", "telnetlib", "ftplib"}
NETWORK = {"requests", "urllib3", "httpx", "http.client", "aiohttp", "urllib.request"}


@cache
def trees() -> dict[str, ast.Module]:
    """The code that is served, by path."""
    files = [file for room in SERVED for file in sorted((ROOT / room).rglob("*.py"))]
    return {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text()) for file in files}


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            yield node.func.id if isinstance(node.func, ast.Name) else name, node


def is_of(module: str, names: set[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


@pytest.mark.slow
def test_only_named_modules_ask_the_network() -> None:
    found = {
        path for path, tree in trees().items() if any(is_of(m, NETWORK) for m in imports(tree))
    }
    assert found <= MAY_ASK_THE_NETWORK


@pytest.mark.slow
def test_nothing_that_is_served_starts_programs_or_reads_objects_that_can_run() -> None:
    found = [
        (path, module)
        for path, tree in trees().items()
        for module in imports(tree)
        if is_of(module, FORBIDDEN_MODULES)
    ]
    assert found == []


def test_no_text_is_run_as_code_or_as_a_template() -> None:
    found = [
        (path, name)
        for path, tree in trees().items()
        for name, call in calls(tree)
        if name in FORBIDDEN_CALLS and isinstance(call.func, ast.Name)
    ]
    assert found == []


def test_no_address_is_made_of_what_a_request_calls_the_site() -> None:
    found = [
        path
        for path, tree in trees().items()
        for name, call in calls(tree)
        if name == "url_for" and any(word.arg == "_external" for word in call.keywords)
    ]
    assert found == []


def test_certificates_are_always_checked() -> None:
    found = [
        path
        for path, tree in trees().items()
        for _, call in calls(tree)
        for word in call.keywords
        if word.arg == "verify" and isinstance(word.value, ast.Constant) and not word.value.value
    ]
    assert found == []


def test_forms_without_a_token_are_named_with_a_reason() -> None:
    found = {
        path
        for path, tree in trees().items()
        for name, call in calls(tree)
        if name == "exempt" and ast.unparse(call.func) == "csrf.exempt"
    }
    assert found == set(MAY_ANSWER_WITHOUT_A_TOKEN)


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_template_escapes_what_it_shows(file: Path) -> None:
    text = file.read_text()
    unescaped = re.findall(r"[^{|]*\|\s*safe\b", text)
    assert [one for one in unescaped if not re.search(r'"<[^"]*"\s*\|\s*safe$', one)] == []
    assert "autoescape false" not in text


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_page_holds_no_script_and_no_style(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=\"|javascript:", text)


def test_what_bandit_finds_counts_unless_its_line_says_why_it_may(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("a = 1\nb = 2  # noqa: S104  a server's port is public\n")
    found = {"filename": str(file), "test_id": "B104", "issue_text": "all interfaces"}
    report = {
        "errors": [],
        "results": [
            {**found, "line_number": 1, "line_range": [1]},
            {**found, "line_number": 2, "line_range": [2]},
        ],
    }
    assert list(unexplained(report)) == [f"{file}:1: B104 all interfaces"]


def test_a_known_hole_is_told_with_what_mends_it() -> None:
    packages = [
        {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]},
        {"name": "b", "version": "1", "vulns": []},
        {"name": "c", "skip_reason": "not found"},
    ]
    assert list(holes(packages)) == ["a 1: CVE-1, mended in: 2"]
