"""The Lua scripts of the index, each put together with the operations it stands on."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline
from redis.commands.core import Script

PIPELINE: Final = 1_000
"""Arguments or commands sent to Redis in one go, about."""
_FOLDER: Final = Path(__file__).parent / "lua"


@cache
def source_of(*names: str) -> str:
    """The texts of these Lua files one after the other."""
    return "\n".join((_FOLDER / f"{name}.lua").read_text() for name in names)


class Scripted:
    """A part of the index: its client and the scripts it runs. May raise redis.RedisError."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._scripts: dict[str, Script] = {}

    def _run(self, name: str, *args: str | int | bytes, pipe: "Pipeline | None" = None) -> Any:
        return self._script(name)(args=list(args), client=pipe)

    def _script(self, name: str) -> Script:
        if name not in self._scripts:
            self._scripts[name] = self._redis.register_script(source_of("ladder", "index", name))
        return self._scripts[name]
