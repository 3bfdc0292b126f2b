"""A line as people read it in a terminal."""

import re

from structlog.typing import EventDict, WrappedLogger

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What ends a line, moves a cursor, colours a terminal or turns the direction of writing."""
_HEAD = ("time", "level", "logger", "event", "exception")


def as_text(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """`time LEVEL logger: event name=value`; a traceback below, each of its lines indented.

    Nothing in an event can begin a line of its own that looks like another event.
    """
    rest = "".join(f" {name}={one_line(event[name])}" for name in event if name not in _HEAD)
    head = f"{event['time']} {event['level'].upper()} {one_line(event['logger'])}:"
    lines = [f"{head} {one_line(event['event'])}{rest}"]
    lines += [
        f"    {one_line(line)}" for line in str(event.get("exception", "")).split("\n") if line
    ]
    return "\n".join(lines)


def one_line(value: object) -> str:
    """A value without characters that a terminal or a reader of lines would act on."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), str(value))
