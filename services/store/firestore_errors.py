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
    " with the role Cloud Datastore User, and that the key was not revoked."
)
_REMEDIES: dict[type[google.GoogleAPICallError], str] = {
    google.PermissionDenied: _ACCESS,
    google.Unauthenticated: _ACCESS,
    google.NotFound: "See that FIREBASE_PROJECT_ID is right and that the project has a Firestore"
    " database in native mode with the name FIREBASE_DATABASE (or `(default)` if that is unset).",
    google.ResourceExhausted: "The project's quota is used up. Wait for the next day, or enable"
    " billing.",
    google.FailedPrecondition: "If it asks for an index, deploy firestore.indexes.json:"
    " firebase deploy --only firestore:indexes",
}
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
    if isinstance(error, TransportError):
        return StoreUnavailable(f"Google's sign-in did not answer. {_UNREACHED}", passing=True)
    if isinstance(error, GoogleAuthError):
        return StoreUnavailable(f"Firestore did not take the credentials. {_ACCESS}")
    return _failed_precondition(error, writes) or StoreUnavailable(
        f"Firestore did not answer ({_reason(error)}). {_REMEDIES.get(type(error), _UNREACHED)}",
        passing=type(error) not in _REMEDIES or isinstance(error, google.ResourceExhausted),
    )


def _failed_precondition(error: BaseException | None, writes: Sequence[Write]) -> StoreError | None:
    """Firestore names no document in a form to rely on, so the message names the candidates."""
    if isinstance(error, google.AlreadyExists):
        return AlreadyExists(f"{_paths(writes, Create)} exists already.")
    if isinstance(error, google.NotFound) and "The database" in error.message:
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


def _reason(error: BaseException | None) -> str:
    return error.message if isinstance(error, google.GoogleAPICallError) else str(error)
