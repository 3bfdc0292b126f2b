"""`make deploy-check` finds what is wrong: a fault is planted in a copy of each kind of file."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.programs import ROOT

PYTHON = ROOT / ".venv-deploy/bin/python"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (PYTHON.parents[1] / "installed").exists(), reason="make deploy-check brings the tools"
    ),
]
FILES = (
    "Dockerfile",
    "compose.yaml",
    "deploy",
    ".github",
    "firestore.rules",
)


@dataclass(frozen=True)
class Fault:
    file: str
    old: str
    new: str
    said: str

    def __str__(self) -> str:
        return f"{self.file}: {self.new}"


FAULTS = (
    Fault("Dockerfile", "WORKDIR /app", "WORKDIR app", "DL3000"),
    Fault("Dockerfile", "USER 10001:10001\n", "USER root\n", "CKV_DOCKER_8"),
    Fault("compose.yaml", "networks: [inside]", "networks: [insied]", "insied"),
    Fault(".github/workflows/ci.yml", "matrix.python }}", "matrix.pyhton }}", "pyhton"),
    Fault("deploy/kubernetes/base/web.yaml", "minReplicas: 2", "minReplica: 2", "minReplica"),
    Fault(
        "deploy/kubernetes/base/confined.yaml",
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
        "CKV_K8S_22",
    ),
    Fault(
        "deploy/cloudrun/web.yaml", "timeoutSeconds: 3600", "timeoutSecond: 3600", "means nothing"
    ),
    Fault("deploy/terraform/run.tf", "  name     = google", "  name = google", "name     ="),
    Fault("deploy/terraform/storage.tf", '= "enforced"', '= "inherited"', "CKV_GCP_114"),
    Fault(
        "deploy/systemd/bellwether-web.service",
        "ProtectHome=yes",
        "ProtectHome=perhaps",
        "ignoring: perhaps",
    ),
)


def test_every_fault_is_found(tmp_path: Path) -> None:
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    for fault in FAULTS:
        file = tmp_path / fault.file
        text = file.read_text()
        assert fault.old in text, fault
        file.write_text(text.replace(fault.old, fault.new, 1))
    checked = subprocess.run(
        [str(PYTHON), "-m", "deploy.checks"], cwd=tmp_path, capture_output=True, text=True
    )
    assert checked.returncode == 1, checked.stdout + checked.stderr
    here = [fault for fault in FAULTS if not is_not_here(fault, checked.stdout)]
    assert [str(fault) for fault in here if fault.said not in checked.stdout] == []


def is_not_here(fault: Fault, said: str) -> bool:
    folder = "/".join(fault.file.split("/")[:2])
    return any(line.startswith("not here") and folder in line for line in said.splitlines())
