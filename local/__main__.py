"""`make run` and `make demo`: the whole of Bellwether on this machine, until Ctrl-C."""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from config import Settings, SettingsError, load_settings
from local.environment import kept
from local.errors import CannotStart, StopRequested
from local.first_steps import first_steps
from local.instance import only_instance
from local.part import ROOT
from local.ports import require_free
from local.start import check_redis, start_everything
from local.supervisor import Supervisor

DEMO_SETTINGS = {
    "bellwether_data": "var/demo",
    "quotes": "replay",
    "replay_day_seconds": "6",
    "check_interval_seconds": "5",
}
_SEED_SECONDS = 60.0


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 after Ctrl-C, 1 when this machine lacks something, 2 for bad settings."""
    parser = argparse.ArgumentParser("local", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="seed a user and alerts that ring soon")
    parser.add_argument("--procfile", type=Path, default=ROOT / "Procfile", help="what to run")
    options = parser.parse_args(arguments)
    try:
        settings = _settings(demo=options.demo)
        with only_instance(settings.data, settings.address) as lock:
            require_free(settings.port)
            check_redis(settings)
            _run(settings, lock, options)
    except SettingsError as error:
        return _complain(error, 2)
    except CannotStart as error:
        return _complain(error, 1)
    return 0


def _settings(*, demo: bool) -> Settings:
    os.environ["BELLWETHER_LOCAL"] = "1"
    settings = load_settings()
    if not demo:
        return settings
    for name, value in DEMO_SETTINGS.items():
        if name not in settings.model_fields_set:  # neither in the environment nor in .env
            os.environ[name.upper()] = value
    return load_settings()


def _run(settings: Settings, lock: int, options: argparse.Namespace) -> None:
    supervisor = Supervisor()
    supervisor.obey_signals()
    try:
        environment = start_everything(supervisor, settings, lock, options.procfile)
        if options.demo:
            _seed(supervisor, environment)
        steps = first_steps(settings, environment["QUOTES"], demo=options.demo)
        with kept(settings.data, {**_replay(settings), **environment}):
            print(f"\n{steps}\n", flush=True)
            supervisor.run()
    except StopRequested:
        supervisor.say("Stopping ...")
    finally:
        supervisor.stop()


def _replay(settings: Settings) -> dict[str, str]:
    """What tells a command in a terminal which day the replayed market has."""
    return {
        "REPLAY_START": settings.replay_start,
        "REPLAY_DAY_SECONDS": str(settings.replay_day_seconds),
    }


def _seed(supervisor: Supervisor, environment: Mapping[str, str]) -> None:
    command = shlex.join([sys.executable, "-m", "local.demo"])
    seeding = supervisor.start("demo", command, environment, restarts=False)
    if not supervisor.finished(seeding, _SEED_SECONDS):
        supervisor.say("The demo's user or alerts could not all be made; see the lines above.")


def _complain(error: Exception, exit_code: int) -> int:
    print(f"Bellwether cannot start. {error}", file=sys.stderr, flush=True)
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
