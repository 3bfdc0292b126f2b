"""Accounts that nobody ever confirmed or used."""

from datetime import datetime

from services.accounts.leaving import Departure
from services.jobs import Jobs
from services.store.contract import Create, Delete, Store, Transaction
from services.store.users import User, email_path


class UnusedAccounts:
    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs

    def close(self, uid: str, now: datetime) -> bool:
        """Close an account whose address is still not confirmed, and have all of it erased.

        Nobody is told: the address may be a stranger's, and there is nothing to lose.
        """

        def work(transaction: Transaction) -> bool:
            document = transaction.get(f"users/{uid}")
            if document is None:
                return False
            user = User.from_document(document)
            if user.confirmed_at is not None:
                return False
            left = Departure(uid=uid, closed_at=now)
            transaction.write(
                Create(left.path, left.written().fields),
                Delete(document.path),
                Delete(email_path(user.email)),
            )
            return True

        closed = self._store.transact(work)
        if closed:
            self._jobs.erase_account(uid)
        return closed
