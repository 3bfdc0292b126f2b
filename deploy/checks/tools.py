"""Which tool looks at which files."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 300
WORST_EXPOSURE = 20
"""Tenths, of 100: what `systemd-analyze security` may find in a unit."""
Verdict = Literal["right", "FAULT", "not here"]
_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin"])
_SYSTEM = ("kubectl", "terraform", "systemd-analyze", "nginx")
"""Tools that come with a machine, not with requirements_deploy.txt."""


@dataclass(frozen=True)
class Check:
    """A tool with its arguments; `script` is a line of bash for what needs more than one tool.

    `unlike` is what must not be in the output of a tool whose exit code does not tell.
    """

    files: str
    tool: str
    arguments: tuple[str, ...] = ()
    script: str = ""
    needs: tuple[str, ...] = ()
    unlike: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> "Result":
        """What the tool says of the files as they are now."""
        for tool in self.needs or (self.tool,):
            if not shutil.which(tool, path=_PATH):
                verdict: Verdict = "not here" if tool in _SYSTEM else "FAULT"
                return Result(self, verdict, f"{tool} is not installed")
        with TemporaryDirectory() as scratch:
            ended = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", self.script]
                if self.script
                else [shutil.which(self.tool, path=_PATH) or self.tool, *self.arguments],
                cwd=ROOT,
                env={**os.environ, "PATH": _PATH, "SCRATCH": scratch, **self.environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT_SECONDS,
            )
        faulty = ended.returncode or (self.unlike and re.search(self.unlike, ended.stdout))
        return Result(self, "FAULT" if faulty else "right", ended.stdout)


@dataclass(frozen=True)
class Result:
    check: Check
    verdict: Verdict
    said: str


def _checkov(files: str, framework: str, *skipped: str, of: tuple[str, ...]) -> Check:
    arguments = ("--framework", framework, "--compact", "--quiet", "--skip-download", *of)
    skip = ("--skip-check", ",".join(skipped)) if skipped else ()
    return Check(files, "checkov", (*arguments, *skip))


# Workers serve nobody (9), nothing is throttled while it rings (11), images have a version that
# nobody moves (15, 43), and twelve-factor programs read their environment (35).
_NOT_OURS = "CKV_K8S_9,CKV_K8S_11,CKV_K8S_15,CKV_K8S_35,CKV_K8S_43"
_RENDER = "kubectl kustomize deploy/kubernetes/overlays/example > $SCRATCH/all.yaml"

CHECKS = (
    Check("Dockerfile", "hadolint", ("Dockerfile",)),
    _checkov("Dockerfile", "dockerfile", of=("-f", "Dockerfile")),
    Check(
        "compose.yaml",
        "check-jsonschema",
        ("--builtin-schema", "vendor.compose-spec", "compose.yaml"),
    ),
    Check(
        "compose.yaml",
        "docker-compose",
        script="cp compose.yaml $SCRATCH; touch $SCRATCH/.env;"
        " docker-compose --project-directory $SCRATCH config -q",
        environment={"SECRET_KEY": "checked", "REDIS_PASSWORD": "checked"},
    ),
    Check(".github/workflows", "actionlint", (".github/workflows/ci.yml",)),
    Check(
        ".github/workflows",
        "check-jsonschema",
        ("--builtin-schema", "vendor.github-workflows", ".github/workflows/ci.yml"),
    ),
    Check(
        ".github/dependabot.yml",
        "check-jsonschema",
        ("--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"),
    ),
    _checkov(".github/workflows", "github_actions", of=("-d", ".github")),
    Check(
        "deploy/kubernetes",
        "kubernetes-validate",
        script=f"{_RENDER}; kubernetes-validate --strict --quiet $SCRATCH/all.yaml",
        needs=("kubectl", "kubernetes-validate"),
    ),
    Check(
        "deploy/kubernetes",
        "checkov",
        script=f"{_RENDER}; checkov -f $SCRATCH/all.yaml --framework kubernetes --compact --quiet"
        f" --skip-download --skip-check {_NOT_OURS}",
        needs=("kubectl", "checkov"),
    ),
    Check(
        "deploy/cloudrun",
        "description of Cloud Run's API",
        script="python -m deploy.checks.cloudrun deploy/cloudrun/*.yaml",
        needs=("python",),
    ),
    Check(
        "deploy/terraform",
        "python-hcl2",
        script="for file in deploy/terraform/*.tf; do hcl2tojson $file > /dev/null; done",
        needs=("hcl2tojson",),
    ),
    Check("deploy/terraform", "terraform", ("fmt", "-check", "-diff", "deploy/terraform")),
    _checkov("deploy/terraform", "terraform", of=("-d", "deploy/terraform")),
    Check(
        "deploy/systemd",
        "systemd-analyze",
        # Its programs are in place on a server only.
        script="mkdir -p $SCRATCH/units; for unit in deploy/systemd/bellwether*.*; do case $unit in"
        " *.service|*.socket|*.target) sed 's,^ExecStart=/opt[^ ]*,ExecStart=/bin/true,' $unit"
        " > $SCRATCH/units/${unit##*/};; esac; done; systemd-analyze verify $SCRATCH/units/*",
        unlike=r"bellwether.*(Unknown|Failed|Invalid|not)",
    ),
    Check(
        "deploy/systemd",
        "systemd-analyze security",
        script="systemd-analyze security --offline=true --threshold="
        f"{WORST_EXPOSURE} --no-pager deploy/systemd/*.service",
        needs=("systemd-analyze",),
    ),
)
