"""How the index follows an alert's changes in the store."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final, Literal

from services.alerts.index.entries import Member, fresh_text, role_of
from services.alerts.index.keys import base_of
from services.alerts.index.levels import level_text
from services.alerts.index.scripts import Scripted
from services.store.alerts import Alert

Place = Literal["settled", "fresh"]
_PLACES: Final[tuple[Place | None, ...]] = (None, "settled", "fresh")


class Following(Scripted):
    """What writers tell the index after they wrote the store."""

    def follow(self, after: Alert, before: Alert | None = None, *, thorough: bool = False) -> None:
        """Hold `after` as its state says, and `before` no more; if `thorough`, look for them
        not just where they should stand."""
        gone = {str(Member.of(alert)): alert for alert in (after, before) if alert}
        drops = (
            (
                alert.symbol,
                alert.condition.target.metric,
                name,
                "" if thorough else level_text(alert.watched_level),
            )
            for name, alert in gone.items()
        )
        self._run("hold", *_held_fresh(after), *chain.from_iterable(drops))

    def follow_rung(self, alerts: Iterable[Alert]) -> None:
        """Hold alerts that a claim took out of the index at their epoch before; many at once."""
        with self._redis.pipeline(transaction=False) as pipe:
            for alert in alerts:
                if (fresh := _held_fresh(alert))[0]:
                    self._run("hold", *fresh, pipe=pipe)
            pipe.execute()

    def ensure(self, alert: Alert) -> None:
        """Hold an alert as its state says, but leave alone what stands right."""
        if alert.state not in ("armed", "waiting") or not self.places([alert])[0]:
            self.follow(alert)

    def places(self, alerts: Sequence[Alert]) -> list[Place | None]:
        """Where each armed or waiting alert stands; None where it is not as the store has it."""
        args = (
            (a.symbol, t.metric, role_of(a), t.direction, level_text(a.watched_level), Member.of(a))
            for a in alerts
            for t in [a.condition.target]
        )
        return [_PLACES[n] for n in self._run("places", *map(str, chain.from_iterable(args)))]

    def relevel(self, alert: Alert, before: Alert | None = None) -> None:
        """Move an alert to its new level, wherever it stands; `before` tells where that is."""
        old = level_text(before.watched_level) if before else ""
        member, metric = str(Member.of(alert)), alert.condition.target.metric
        text = fresh_text(alert) if alert.baseline else ""
        self._run(
            "relevel", alert.symbol, metric, member, old, level_text(alert.watched_level), text
        )

    def drop(self, symbol: str, metric: str, member: Member, level: float | None = None) -> None:
        """Hold this arming of an alert no more; its level tells where it is."""
        hint = "" if level is None else level_text(level)
        self._run("hold", "", "", "", "", symbol, metric, str(member), hint)

    def forget_if_empty(self, symbol: str, metric: str) -> None:
        """Stop watching what no alert waits on. Every removal does so by itself."""
        self._run("note", base_of(symbol, metric))


def _held_fresh(alert: Alert) -> list[str]:
    """What `hold` is told of an alert; nothing for one that waits for nothing."""
    if alert.state not in ("armed", "waiting") or alert.baseline is None:
        return ["", "", "", ""]
    return [alert.symbol, alert.condition.target.metric, str(Member.of(alert)), fresh_text(alert)]
