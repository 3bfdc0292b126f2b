"""`make chaos`: kill everything again and again, and count what the alert engine got wrong.

On the replayed market three workers and two clocks watch alerts of many kinds. They, and Redis,
are killed with -9 at random moments; Redis is emptied; the store cannot be reached for a minute,
twice. In the end the triggers are compared with a plain look at the same bars.
"""
# ruff: noqa: T201

import argparse
import os
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from tests.e2e.chaos.plan import SHORT, Engine, Plan
from tests.e2e.chaos.run import Outcome, run
from tests.support.emulator import shared_emulator
from tests.support.redis_server import free_port

SHOWN = 10
NO_EMULATOR = (
    "Google's emulator is left out: install the Google Cloud CLI, then `gcloud components install"
    " cloud-firestore-emulator`, or set FIRESTORE_EMULATOR_HOST."
)


def main() -> int:
    chosen = _arguments()
    print(f"seed {chosen.seed}")
    plan = SHORT if chosen.short else Plan()
    wrong = 0
    for engine in [chosen.store] if chosen.store else get_args(Engine):
        shards = chosen.shards or (3 if engine == "firestore" else 1)
        with _folder(chosen.keep, engine) as folder, _emulator(engine, folder) as host:
            if host is None:
                print(NO_EMULATOR)
                continue
            here = replace(plan, shards=shards)
            outcome = run(engine, here, chosen.seed, folder, host, print if chosen.loud else _hush)
            wrong += sum(outcome.verdict.counts)
            report(outcome)
    return 1 if wrong else 0


def report(outcome: Outcome) -> None:
    """Print the figures, then what was wrong."""
    print()
    for name, value in outcome.figures.items():
        print(f"{name:>24}  {value}")
    verdict = outcome.verdict
    for name in ("lost", "doubled", "wrong"):
        for line in getattr(verdict, name)[:SHOWN]:
            print(f"{name}: {line}")
    print("lost {}, doubled {}, wrong {}".format(*verdict.counts), flush=True)


def _hush(_: str) -> None:
    pass


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--store", choices=get_args(Engine), help="one engine only")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument(
        "--shards", type=int, help="jobs that share a check (sqlite 1, firestore 3)"
    )
    parser.add_argument("--short", action="store_true", help="the short form that runs in CI")
    parser.add_argument("--loud", action="store_true", help="tell each fault when it happens")
    parser.add_argument("--keep", type=Path, help="an empty folder for logs and databases")
    return parser.parse_args()


@contextmanager
def _folder(kept: Path | None, engine: Engine) -> Iterator[Path]:
    if kept is None:
        with TemporaryDirectory(prefix="chaos-") as folder:
            yield Path(folder)
        return
    own = kept / engine
    own.mkdir(parents=True)
    yield own


@contextmanager
def _emulator(engine: Engine, folder: Path) -> Iterator[str | None]:
    """host:port of the emulator, empty for SQLite, None where there is none."""
    if engine == "sqlite":
        yield ""
    elif given := os.environ.get("FIRESTORE_EMULATOR_HOST"):
        yield given
    elif shutil.which("gcloud") and shutil.which("java"):
        with shared_emulator(folder, free_port()) as host:
            yield host
    else:
        yield None


if __name__ == "__main__":
    sys.exit(main())
