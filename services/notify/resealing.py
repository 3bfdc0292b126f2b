"""Sealing what is stored in plain text or under an old key; needed before that key may go."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.errors import DeliveryError
from services.notify.sealing import Seal
from services.store.keeping import Keeping
from services.store.record import readable
from services.store.users import Destination, User, Users

AT_ONCE = 500


@dataclass(slots=True)
class Seals:
    """Destinations that are sealed as they should be, that are not yet, and that no key opens."""

    right: int = 0
    to_renew: int = 0
    lost: int = 0

    def count(self, seal: Seal, destinations: Iterable[Destination]) -> None:
        for one in destinations:
            after = _renewed(seal, one)
            self.lost += after is None
            self.right += after is one
            self.to_renew += after is not None and after is not one


def first_seals(keeping: Keeping, seal: Seal) -> Seals:
    """Of the AT_ONCE people who came first."""
    found = Seals()
    for user in readable(User, keeping.people(None, AT_ONCE)):
        found.count(seal, user.destinations)
    return found


def reseal(keeping: Keeping, users: Users, seal: Seal, *, dry_run: bool) -> Seals:
    """Seal everybody's with the last key, each person in a transaction; returns what was found.
    Raises StoreError, and may be given again."""
    found, after = Seals(), None
    while page := keeping.people(after, AT_ONCE):
        for user in readable(User, page):
            before = found.to_renew
            found.count(seal, user.destinations)
            if found.to_renew > before and not dry_run:
                users.change(user.uid, lambda user: _all_renewed(seal, user))
        after = page[-1].path
    return found


def _all_renewed(seal: Seal, user: User) -> User:
    return user.replace(destinations=tuple(_renewed(seal, one) or one for one in user.destinations))


def _renewed(seal: Seal, destination: Destination) -> Destination | None:
    """None where no key opens it."""
    try:
        return seal.renewed(destination)
    except DeliveryError:
        return None
