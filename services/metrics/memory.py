"""How much memory this process takes."""

import resource
import sys
import time
from pathlib import Path
from typing import Literal

from services.metrics import MEMORY

LOOK_EVERY_SECONDS = 10.0
_STATM = Path("/proc/self/statm")
_looked_at = 0.0


def note_memory(part: Literal["web", "worker", "clock"]) -> None:
    """Measure it, unless that was done in the last ten seconds."""
    global _looked_at
    now = time.monotonic()
    if now - _looked_at >= LOOK_EVERY_SECONDS:
        _looked_at = now
        MEMORY.labels(part).set(resident_bytes())


def resident_bytes() -> int:
    """Where the system does not tell what it is now, the most that it was."""
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
