"""Sessions that wait for the next mail."""

from threading import Lock, Timer

from services.notify.channels.email.session import Session


class IdleSessions:
    """Closes what nobody wants for `seconds`. For any number of threads."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[Session, Timer] = {}
        self._lock = Lock()

    def take(self) -> Session | None:
        """The one that was used last."""
        with self._lock:
            if not self._waiting:
                return None
            session, timer = self._waiting.popitem()
        timer.cancel()
        return session

    def keep(self, session: Session) -> None:
        """Until it is taken; one that is of no more use is closed at once."""
        if not session.is_usable:
            session.close()
            return
        timer = Timer(self._seconds, self._end, [session])
        timer.daemon = True
        with self._lock:
            self._waiting[session] = timer
        timer.start()

    def _end(self, session: Session) -> None:
        with self._lock:
            unwanted = self._waiting.pop(session, None)
        if unwanted:
            session.close()
