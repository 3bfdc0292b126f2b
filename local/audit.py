"""What is known to be unsafe, in our code and in what we build on: `make audit`.

Bandit reads the code. ruff's S rules are the same tests under the same numbers, so that what one
line explains to ruff (`# noqa: S310  our own address`) counts here, too, and nothing else does.
pip-audit asks OSV about every pinned package; where that cannot be reached, it says so.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config import ROOT

CODE = ("app.py", "config.py", "gunicorn.conf.py", "services", "web", "workers", "local")
LOCKS = ("requirements_production.txt", "requirements_local.txt")
LEFT_OUT = {
    "B101": "asserts tell mypy and readers what holds; nothing relies on them",
    "B106": "ruff's S106 looks for the same, and knows that an empty text is no password",
    "B107": "ruff's S107 likewise",
    "B404": "only local/ starts programs, as tests/test_safe_code.py holds it to",
    "B603": "and it starts its own ones, none of which a request names",
}
SECONDS = 120
_EXPLAINED = re.compile(r"# noqa: ((?:[A-Z]+\d+,? ?)+)")


def main() -> int:
    """0 where nothing is found."""
    print("bandit looks for all it knows but", ", ".join(LEFT_OUT))
    found = [*unexplained(_bandit()), *_known_holes()]
    print(*found or ["Nothing found."], sep="\n")
    return 1 if found else 0


def unexplained(report: dict[str, Any]) -> Iterator[str]:
    """What bandit found, but for what a line of the code explains."""
    yield from (f"{one['filename']}: {one['reason']}" for one in report["errors"])
    for one in report["results"]:
        lines = Path(ROOT, one["filename"]).read_text().splitlines()
        first, last = min(one["line_range"]), max(one["line_range"])
        said = " ".join(_EXPLAINED.findall("\n".join(lines[first - 1 : last])))
        if one["test_id"].replace("B", "S") not in said:
            yield f"{one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}"


def _bandit() -> dict[str, Any]:
    command = ["-m", "bandit", "--quiet", "--recursive", "--format", "json", "--skip"]
    report = _run([*command, ",".join(LEFT_OUT), *CODE])
    return json.loads(report.stdout)  # type: ignore[no-any-return]


def _known_holes() -> Iterator[str]:
    for lock in LOCKS:
        command = ["-m", "pip_audit", "--vulnerability-service", "osv", "--disable-pip"]
        command += ["--no-deps", "--progress-spinner", "off", "--timeout", "10", "--format", "json"]
        answer = _run([*command, "--requirement", lock])
        try:
            packages = json.loads(answer.stdout)["dependencies"]
        except (ValueError, KeyError):
            print(f"{lock}: known holes are not looked up, for their database cannot be reached.")
            return
        yield from holes(packages)
        print(f"{lock}: {sum('vulns' in one for one in packages)} packages looked up.")


def holes(packages: list[dict[str, Any]]) -> Iterator[str]:
    """What is known of these packages, with the version that mends it."""
    for one in packages:
        for hole in one.get("vulns", ()):
            mended = ", ".join(hole["fix_versions"]) or "none yet"
            yield f"{one['name']} {one['version']}: {hole['id']}, mended in: {mended}"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", "")


if __name__ == "__main__":
    sys.exit(main())
