"""Actors that act one after the other, each as far as its next gate: interleavings as wished."""

import threading
from collections.abc import Callable
from typing import Any


class Killed(BaseException):
    """Ends an actor at its gate, as kill -9 ends a process."""


class Actor:
    """A thread that runs only while `go` is called, up to where it calls `gate`, or its end."""

    def __init__(self, work: Callable[["Actor"], Any]) -> None:
        self.over = False
        self.result: Any = None
        self.fault: BaseException | None = None
        self._killed = False
        self._mine, self._yours = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def go(self) -> bool:
        """Let it act; whether it came to its end. Raises what it raised."""
        self._mine.release()
        assert self._yours.acquire(timeout=30)
        if self.fault:
            raise self.fault
        return self.over

    def finish(self) -> Any:
        while not self.over:
            self.go()
        return self.result

    def kill(self) -> None:
        self._killed = True
        self.finish()

    def gate(self) -> None:
        """Called by the actor: wait for the next turn."""
        self._yours.release()
        self._mine.acquire()
        if self._killed:
            raise Killed

    def _run(self, work: Callable[["Actor"], Any]) -> None:
        self._mine.acquire()
        try:
            self.result = work(self)
        except Killed:
            pass
        except BaseException as fault:  # noqa: BLE001 - raised where it is waited for
            self.fault = fault
        self.over = True
        self._yours.release()
