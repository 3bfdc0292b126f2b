"""To which request, job and person the events of a thread belong."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


def request_id(sent: str | None) -> str:
    """The id of a request: what a proxy sent, where it is one, else a new one."""
    return sent if sent and _WELL_FORMED.fullmatch(sent) else secrets.token_hex(8)


@contextmanager
def of_request(id_: str) -> Iterator[None]:
    """Events within belong to that request, and to no other of this thread."""
    clear_contextvars()
    bind_contextvars(request=id_)
    try:
        yield
    finally:
        clear_contextvars()


@contextmanager
def of_job(id_: str) -> Iterator[None]:
    with bound_contextvars(job=id_):
        yield


def is_of(uid: str) -> None:
    """What follows is done for this person; lines tell a short name of theirs."""
    bind_contextvars(user=uid)
