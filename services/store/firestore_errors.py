"""What Firestore's errors mean to a person."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from google.api_core import exceptions as google
from google.auth.exceptions import GoogleAuthError, TransportError

from services.errors import (
    AlreadyExists,
    Conflict,
    Contention,
    InvalidValue,
    NotFound,
    StoreError,
    StoreUnavailable,
)
from services.store.contract import Create, Update, Write

_ACCESS = (
    "See that FIREBASE_CREDENTIALS_BASE64 is the key of a service account of FIREBASE_PROJECT_ID"
    " with the role Cloud Datastore User, and that neither the key nor the account was revoked,"
    " disabled or deleted."
)
_DATABASE = (
    "See that FIREBASE_PROJECT_ID is right and that the project has a Firestore database in native"
    " mode with the name FIREBASE_DATABASE (or `(default)` if that is unset)."
)
_REMEDIES: dict[type[google.GoogleAPICallError], str] = {
    google.PermissionDenied: _ACCESS,
    google.Unauthenticated: _ACCESS,
    google.NotFound: _DATABASE,
    google.ResourceExhausted: "The project's quota is used up. Wait for the next day, or enable"
    " billing.",
    google.FailedPrecondition: "If it asks for an index, deploy firestore.indexes.json:"
    " firebase deploy --only firestore:indexes",
}
# Where the status alone would mislead: these words of Firestore's tell more than it.
_DATABASE_WORDS = ("The database ", "does not contain an active", "Datastore Mode")
_API_WORDS = ("has not been used in project", "SERVICE_DISABLED")
_API = "Enable the Cloud Firestore API for FIREBASE_PROJECT_ID, and start again some minutes later."
# The emulator keeps every moment; these words are not proved.
_PAST_WORDS = ("too old", "read_time", "read time")
_PAST = (
    "The documents of that moment are kept no longer: without point-in-time recovery Firestore"
    " keeps an hour. Enable it: flask --app app backup managed enable-recovery"
)
# Google's sign-in refuses a token request made in its future or long ago.
_CLOCK_WORDS = ("iat and exp", "short-lived token")
_CLOCK = (
    "Google's sign-in says that this machine's clock is wrong."
    " Set it (sudo timedatectl set-ntp true) and start again."
)
_OF_GOOGLE = (google.GoogleAPICallError, GoogleAuthError)
_UNREACHED = (
    "See that the network, or the emulator at FIRESTORE_EMULATOR_HOST, is up, and try again."
)


@contextmanager
def explained(writes: Sequence[Write] = ()) -> Iterator[None]:
    """Turns an error of Google's client, while `writes` are applied, into one of ours."""
    try:
        yield
    except google.RetryError as error:
        raise _meaning(error.cause, writes) from error
    except _OF_GOOGLE as error:
        raise _meaning(error, writes) from error


def _meaning(error: BaseException | None, writes: Sequence[Write]) -> StoreError:
    if isinstance(error, google.Aborted) or not isinstance(error, _OF_GOOGLE):
        return Contention("Other writers kept the same documents busy; try again.")
    if isinstance(error, google.InvalidArgument):
        return InvalidValue(f"Firestore refused a value: {error.message}")
    if isinstance(error, GoogleAuthError):
        return _sign_in_failed(error)
    return _failed_precondition(error, writes) or StoreUnavailable(
        f"Firestore {_verb(error)} ({_reason(error)}). {_remedy(error)}",
        passing=type(error) not in _REMEDIES or isinstance(error, google.ResourceExhausted),
    )


def _sign_in_failed(error: GoogleAuthError) -> StoreUnavailable:
    """What Google's sign-in answers is only looked at: it may quote the request."""
    if isinstance(error, TransportError) or error.retryable:
        return StoreUnavailable(f"Google's sign-in did not answer. {_UNREACHED}", passing=True)
    if any(words in str(error) for words in _CLOCK_WORDS):
        return StoreUnavailable(_CLOCK)
    return StoreUnavailable(f"Firestore did not take the credentials. {_ACCESS}")


def _verb(error: google.GoogleAPICallError) -> str:
    return "refused" if type(error) in _REMEDIES else "did not answer"


def _remedy(error: google.GoogleAPICallError) -> str:
    if _lacks_database(error):
        return _DATABASE
    if any(words in error.message for words in _API_WORDS):
        return _API
    if any(words in error.message for words in _PAST_WORDS):
        return _PAST
    return _REMEDIES.get(type(error), _UNREACHED)


def _lacks_database(error: google.GoogleAPICallError) -> bool:
    return any(words in error.message for words in _DATABASE_WORDS)


def _failed_precondition(
    error: google.GoogleAPICallError, writes: Sequence[Write]
) -> StoreError | None:
    """Firestore names no document in a form to rely on, so the message names the candidates."""
    if isinstance(error, google.AlreadyExists):
        return AlreadyExists(f"{_paths(writes, Create)} exists already.")
    if _lacks_database(error):
        return None
    updates = [write for write in writes if isinstance(write, Update)]
    unversioned = _paths([write for write in updates if write.version is None], Update)
    if isinstance(error, google.NotFound) and unversioned:
        return NotFound(f"{unversioned} is not there to be updated.")
    if isinstance(error, google.NotFound | google.FailedPrecondition) and updates:
        return Conflict(f"{_paths(updates, Update)} was changed by somebody else.")
    return None


def _paths(writes: Sequence[Write], kind: type[Write]) -> str:
    paths = [write.path for write in writes if isinstance(write, kind)]
    return paths[0] if len(paths) == 1 else f"One of {', '.join(paths)}" if paths else ""


def _reason(error: google.GoogleAPICallError) -> str:
    return " ".join(error.message.split()).rstrip(". ")
