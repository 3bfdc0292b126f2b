"""Triggers tell themselves whether a delivery failed or is late; those recorded before there was
an inbox do not, and were missing from its filter *not delivered*."""

from collections.abc import Mapping

from services.migrations.migration import Migration
from services.store.contract import Fields, Value


def _with_trouble(fields: Fields) -> Fields | None:
    deliveries = fields.get("deliveries")
    if "trouble" in fields or not isinstance(deliveries, Mapping):
        return None
    trouble = _trouble([_end(one) for one in deliveries.values() if isinstance(one, Mapping)])
    return {"trouble": trouble} if trouble else None


def _end(delivery: Mapping[str, Value]) -> Value:
    """A message that reached some devices only was sent, and has failed for the others."""
    state = delivery.get("state")
    return "failed" if state == "sent" and delivery.get("error") else state


def _trouble(ends: list[Value]) -> str | None:
    if "failed" in ends:
        return "failed"
    return "late" if "held" in ends or "retry" in ends else None


MIGRATION = Migration(1, "triggers tell their trouble", "triggers", _with_trouble)
