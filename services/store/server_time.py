"""Fields that say SERVER_TIME, before the store has put its time there."""

from datetime import datetime

from services.store.contract import Fields, ServerTime, WrittenFields


def stamped(fields: WrittenFields, moment: datetime) -> Fields:
    """The fields as a commit at `moment` stores them."""
    return {name: moment if isinstance(v, ServerTime) else v for name, v in fields.items()}


def split(fields: WrittenFields) -> tuple[Fields, list[str]]:
    """The fields whose values are known, and the names of those that get the commit's time."""
    known = {name: v for name, v in fields.items() if not isinstance(v, ServerTime)}
    return known, [name for name in fields if name not in known]
