"""Every error that Bellwether raises on purpose: what happened, to which thing, and why.

Caught at the edges only: a web request turns one into a page or a problem document,
a job into a log line and a retry.
"""

from datetime import timedelta

from services.texts import N_
from services.texts import gettext as _


class BellwetherError(Exception):
    """The root of all errors below."""


class StoreError(BellwetherError):
    """Something about the document store; the message names the path where there is one."""


class AlreadyExists(StoreError):
    """A document that was to be created is there already."""


class NotFound(StoreError):
    """A document that was to be changed is not there."""


class Conflict(StoreError):
    """A precondition did not hold: somebody else changed the document first."""


class Contention(StoreError):
    """A transaction lost against others until its deadline; trying again later is safe."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or opened; the message carries the remedy.

    `passing` means that waiting may help, with nobody changing anything.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class ClockSkew(StoreError):
    """This machine's clock and the store's are too far apart; the message carries the remedy."""


class BackupError(StoreError):
    """A backup cannot be made, read or restored; the message carries the remedy."""


class BadDocument(StoreError):
    """A stored document does not have the shape this version of Bellwether reads."""


class InvalidPath(StoreError):
    """No document can have this path: malformed, too long, or with a reserved id."""


class InvalidValue(StoreError):
    """A document or query holds a value that the store cannot keep; the message names where."""


class MarketError(BellwetherError):
    """Something about the quote source."""


class RateLimited(MarketError):
    """The source asked us to slow down (429, or a refused crumb)."""


class SourceUnavailable(MarketError):
    """The source did not answer in time, or not in its own form."""


class NoQuote(MarketError):
    """There is no usable quote of this symbol now.

    `known_missing` tells *the source has no such symbol* from *we could not ask*.
    """

    def __init__(self, symbol: str, *, known_missing: bool) -> None:
        message = (
            N_("No quote of %(symbol)s: the source has no price for it.")
            if known_missing
            else N_("No quote of %(symbol)s: no answer in time.")
        )
        super().__init__(_(message, symbol=symbol))
        self.symbol = symbol
        self.known_missing = known_missing


class UnknownSymbol(MarketError):
    """The source has no such symbol; `suggestions` are (symbol, name) of what may be meant."""

    def __init__(self, symbol: str, suggestions: tuple[tuple[str, str], ...]) -> None:
        super().__init__(_("No quotes for %(symbol)s.", symbol=symbol))
        self.symbol = symbol
        self.suggestions = suggestions


class InvalidInput(BellwetherError):
    """A person's or program's input cannot be used; `field` names where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class WordsError(BellwetherError):
    """An alert in words is not understood at `word`, which starts at `column` (0-based).

    `expected` says in plain words what may stand there, `suggestion` what was perhaps meant.
    """

    def __init__(
        self,
        message: str,
        *,
        column: int,
        word: str = "",
        expected: str = "",
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.word = word
        self.expected = expected
        self.suggestion = suggestion


class LimitReached(BellwetherError):
    """A limit of the account (symbols a list, lists, alerts) is used up."""


class AlreadyTrue(BellwetherError):
    """The condition of a new alert is true now (ALERTS.md rule 4); `value` is the present value."""

    def __init__(self, value: float) -> None:
        super().__init__(
            _("The condition is already true: it stands at %(value)s now.", value=f"{value:g}")
        )
        self.value = value


class NotRepeatable(BellwetherError):
    """A trigger cannot be told once more, for the reason that the message gives."""


class AuthenticationFailed(BellwetherError):
    """E-mail and password do not fit, or a token or link is not (or no longer) valid.

    `uid` is whose password was guessed at, where the address has an account: for the trail of
    that account, not for whoever guessed.
    """

    def __init__(self, message: str, uid: str | None = None) -> None:
        super().__init__(message)
        self.uid = uid


class PushOff(BellwetherError):
    """Push messages are not set up on this site; the message says why."""


class DeliveryError(BellwetherError):
    """A channel did not take a message. `permanent` means that a retry cannot help, `gone` that
    nothing will ever arrive where it was sent to, `unreachable` that the channel's server did not
    answer, to nobody's message. `retry_after` is how long the server asked us to wait. `reached`
    are those of several receivers that took it."""

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        gone: bool = False,
        unreachable: bool = False,
        retry_after: timedelta | None = None,
        reached: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.permanent = permanent or gone
        self.gone = gone
        self.unreachable = unreachable
        self.retry_after = retry_after
        self.reached = reached
