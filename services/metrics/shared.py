"""The numbers of all processes of one machine, added up, by prometheus_client's multi-process mode.

Each process counts in files of its own. They are named after a place, whose lock ends with the
process, even after kill -9; who comes next takes the place and counts on in the same files. So
nothing counted is lost, and there are never more files than processes that ran at once.
"""

import fcntl
import json
import logging
import os
import struct
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

from prometheus_client import Metric, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from services.metrics import REGISTRY

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_KINDS = ("counter", "histogram", "gauge_livesum", "gauge_liveall")
_FILE_BYTES = 256 * 1024
_USED_BYTES = struct.Struct("i")
_collector: Collector = REGISTRY
log = logging.getLogger(__name__)


def share_metrics(folder: Path) -> None:
    """From now on count together with all processes that share `folder`.

    Where it cannot be written this process counts for itself, and says so in the log.
    """
    global _collector
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = _Place(folder)
        place.name()
    except OSError as error:
        log.warning(
            "Metrics tell of this process only: %s cannot be written (%s)."
            " Make room, or set BELLWETHER_DATA to a folder that this user may write.",
            folder,
            error.strerror,
        )
        return
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # where the library looks for it
    values.ValueClass = values.MultiProcessValue(place.name)  # type: ignore[no-untyped-call]
    _collector = _Together(folder)


def metrics_text(site: Collector | None = None) -> bytes:
    """All metrics in Prometheus' text format (CONTENT_TYPE), and those of the `site`."""
    return generate_latest(_collector) + (generate_latest(site) if site else b"")


class _Together(Collector):
    """What the processes of a folder have counted, those that have ended too; and what those
    that live have measured."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        found = sorted(self._folder.glob("*.db"))
        files = [str(file) for file in found if _counts(file) and _is_sound(file)]
        together: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return together


class _Place:
    """The first free place in a folder; a fork takes another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = self._number = 0
        self._lock: int | None = None

    def name(self) -> str:
        """The name of this process's place. Raises OSError where the folder cannot be written."""
        if self._owner != os.getpid():
            self._take()
        return str(self._number)

    def _take(self) -> None:
        number, lock = next(_free_places(self._folder))
        try:
            _prepare(self._folder, number)
        except OSError:
            os.close(lock)
            raise
        if self._lock is not None:
            os.close(self._lock)  # the parent's, which would not end with the parent
        self._owner, self._number, self._lock = os.getpid(), number, lock


def _free_places(folder: Path) -> Iterator[tuple[int, int]]:
    """Numbers of places, each with the descriptor of its lock, which is held."""
    for number in count():
        lock = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            yield number, lock


def _prepare(folder: Path, number: int) -> None:
    """Leave what was counted, take away what was measured of a process that has ended.

    New files are written in full: to run out of disk beneath a mapped file ends a process.
    """
    mark_process_dead(number, str(folder))  # type: ignore[no-untyped-call]
    for kind in _KINDS:
        file = folder / f"{kind}_{number}.db"
        if not _is_sound(file):
            draft = file.with_suffix(".new")
            draft.write_bytes(bytes(_FILE_BYTES))
            draft.replace(file)


def _counts(file: Path) -> bool:
    """Whether `file` tells of now: what is measured does so while its process lives."""
    if not file.name.startswith("gauge_live"):
        return True
    place = file.stem.rpartition("_")[2]
    with file.with_name(f"{place}.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _is_sound(file: Path) -> bool:
    """Whether `file` can be read; one that was open in a power cut may not."""
    try:
        with file.open("rb") as begin:
            (used,) = _USED_BYTES.unpack(begin.read(_USED_BYTES.size))
        if not 0 <= used <= file.stat().st_size:
            return False
        for key, *_ in MmapedDict.read_all_values_from_file(file):  # type: ignore[no-untyped-call]
            _, _, _, _ = json.loads(key)
    except (FileNotFoundError, RuntimeError, ValueError, TypeError, struct.error):
        return False
    return True
