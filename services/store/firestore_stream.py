"""Results of any length from one call, which goes on where it was when it breaks off.

Not in pages: each page is a query of its own, and the emulator walks all matches for each.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from services.store.billing import Account
from services.store.contract import Document
from services.store.firestore_calls import UNANSWERED, again_after
from services.store.firestore_client import Database
from services.store.firestore_errors import explained
from services.store.firestore_values import read_document

STREAM_SECONDS = 60.0
"""How long one call may stream; a reader that is slower than that goes on with another."""

Behind = Callable[[Document | None, int], Any]
"""The query's message behind the last document and the number that were read, None at its end."""


def stream_documents(
    database: Database, account: Account, parent: str, behind: Behind, **moment: Any
) -> Iterator[Document]:
    """The documents, as they come; few are in memory at once. `moment` may name a `read_time`."""
    last, seen = None, 0
    with explained():
        while message := behind(last, seen):
            request = {"parent": parent, "structured_query": message, **moment}
            answers, first = again_after(*UNANSWERED)(_begin)(database, request)
            try:
                for answer in chain(first, answers):
                    found = type(answer).pb(answer).document
                    if found.name:
                        last, seen = read_document(database.root, found), seen + 1
                        account.read(1)
                        yield last
                break
            except UNANSWERED:
                continue
            finally:
                answers.cancel()
    if not seen:
        account.queried(0)


def _begin(database: Database, request: dict[str, Any]) -> tuple[Any, list[Any]]:
    """A call that streams, and its first answer: what cannot be begun is found out here."""
    answers = database.client().run_query(
        request, retry=None, timeout=STREAM_SECONDS, metadata=database.headers
    )
    first = next(iter(answers), None)
    return answers, [] if first is None else [first]
