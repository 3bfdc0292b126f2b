"""What the running parts were told, kept in the data folder for commands in a terminal.

`python -m local.environment alerts list` runs `flask --app app alerts list` beside `make run`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from config import SettingsError, load_settings
from local.part import ROOT

FILE = "environment.json"


@contextmanager
def kept(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Keep the environment in `folder`, for its owner's eyes only, while everything runs."""
    file = folder / FILE
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(dict(environment)))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    """Flask's exit code; 1 where nothing runs, 2 for a bad setting."""
    try:
        file = load_settings().data / FILE
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        running = json.loads(file.read_text())
    except OSError:
        print(f"Nothing runs on {file.parent}. Start it with make run.", file=sys.stderr)
        return 1
    flask = [sys.executable, "-m", "flask", "--app", "app", *arguments]
    return subprocess.run(flask, cwd=ROOT, env={**os.environ, **running}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
