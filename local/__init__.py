"""What one machine needs beside the app. `python -m local` starts all of it."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  this is where an old Python is told
    raise SystemExit(
        f"Bellwether needs Python 3.11 or newer, and this is {sys.version.split()[0]}."
        " Remove .venv, install a newer Python, and run: make run PYTHON=/path/to/python3"
    )
