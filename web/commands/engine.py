"""The engine behind commands that ask the market or run a check. The web itself has none."""

from datetime import datetime
from typing import Protocol, cast

from flask import current_app

from services.alerts.checker import Report
from services.alerts.explain import Explainer
from services.container import Services
from services.scheduled import Scheduled

EXTENSION = "bellwether-engine"
"""Where the application keeps a function that opens the engine, for what it imports is large."""


class Engine(Protocol):
    """`services` ask the source of prices themselves; they wait for no worker."""

    services: Services

    def check(self, now: datetime) -> list[Report]:
        """Run one whole check."""

    def schedule(self) -> list[Scheduled]:
        """What runs when. Raises redis.RedisError."""

    def unattended(self) -> tuple[str, ...]:
        """The queues on which no worker works. Raises redis.RedisError."""

    def explainer(self) -> Explainer: ...


def engine() -> Engine:
    return cast(Engine, current_app.extensions[EXTENSION]())
