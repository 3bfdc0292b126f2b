"""The places beyond mail and devices that a person's alerts are sent to: added, named, removed."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.accounts.profiles import Profiles
from services.errors import DeliveryError, InvalidInput, LimitReached, NotFound
from services.ids import new_id
from services.notify.channels.apprise import address as apprise
from services.notify.channels.webhook import address as webhook
from services.notify.channels.webhook.signature import new_secret
from services.notify.sealing import Seal
from services.store.users import EMAIL, MAX_DESTINATIONS, Destination, DestinationKind, User, Users
from services.texts import gettext as _

MAX_NAME = 60


class Destinations:
    """Every method may raise redis.RedisError and StoreError, NotFound where there is no such
    person or destination. `allowed_hosts` are those of the operator's network that may be
    webhooks."""

    def __init__(
        self, users: Users, profiles: Profiles, allowed_hosts: frozenset[str], seal: Seal
    ) -> None:
        self._users = users
        self._profiles = profiles
        self._allowed_hosts = allowed_hosts
        self._seal = seal

    def add(
        self, uid: str, kind: DestinationKind, name: str, url: str, now: datetime
    ) -> Destination:
        """The new destination; the secret of a webhook is to be shown this once. Raises
        InvalidInput, or LimitReached at MAX_DESTINATIONS."""
        added = Destination(
            id=f"d{new_id(now)}",
            kind=kind,
            name=_name(name),
            url=self._checked(kind, url),
            secret=new_secret() if kind == "webhook" else "",
            added_at=now,
        )

        def add(user: User) -> User:
            self._refuse_another(user, added)
            return user.replace(destinations=(*user.destinations, self._seal.seal(added)))

        self._change(uid, add)
        return added

    def rename(self, uid: str, id_: str, name: str) -> Destination:
        """Raises InvalidInput."""
        name = _name(name)

        def rename(user: User) -> User:
            _refuse_name(user, name, id_)
            return _with(user, id_, name=name)

        return _found(self._change(uid, rename), id_)

    def remove(self, uid: str, id_: str) -> None:
        """Nothing is sent there any more; where nothing is left to ring by, mail is. One that is
        not there is no error."""
        self._change(uid, lambda user: _without(user, id_))

    def switch_on(self, uid: str, id_: str) -> Destination:
        """Send there again, although it had said that it was gone."""
        return _found(
            self._change(uid, lambda user: _with(user, id_, off_at=None, off_because=None)), id_
        )

    def new_secret(self, uid: str, id_: str) -> Destination:
        """Sign with another secret from now on, which is to be shown this once. Raises
        InvalidInput where nothing is signed."""
        secret = new_secret()

        def sign_anew(user: User) -> User:
            if _found(user, id_).kind != "webhook":
                raise InvalidInput("kind", _("Only what is sent to a webhook is signed."))
            return _with(user, id_, secret=self._seal.sealed(secret))

        signing = _found(self._change(uid, sign_anew), id_)
        return signing.model_copy(update={"secret": secret})

    def _checked(self, kind: DestinationKind, url: str) -> str:
        if kind == "webhook":
            return webhook.checked(url, self._allowed_hosts)
        return apprise.checked(url)

    def _refuse_another(self, user: User, added: Destination) -> None:
        if len(user.destinations) >= MAX_DESTINATIONS:
            raise LimitReached(
                _(
                    "You can have %(most)s channels at most. Remove one first.",
                    most=MAX_DESTINATIONS,
                )
            )
        for one in user.destinations:
            if self._leads(one, added.url):
                raise InvalidInput(
                    "url", _("You have this address already: “%(name)s”.", name=one.name)
                )
        _refuse_name(user, added.name, added.id)

    def _leads(self, stored: Destination, url: str) -> bool:
        """Whether it leads there; who can tell of one that no key opens?"""
        try:
            return self._seal.open(stored).url == url
        except DeliveryError:
            return False

    def _change(self, uid: str, how: Callable[[User], User]) -> User:
        user = self._users.change(uid, how)
        self._profiles.renew(user)
        return user


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME or re.search(r"[\x00-\x1f\x7f]", name):
        raise InvalidInput("name", _("Give it a name of 1 to %(most)s characters.", most=MAX_NAME))
    return name


def _refuse_name(user: User, name: str, id_: str) -> None:
    others = {one.name.casefold() for one in user.destinations if one.id != id_}
    if name.casefold() in others:
        raise InvalidInput("name", _("Another of your channels is called “%(name)s”.", name=name))


def _found(user: User, id_: str) -> Destination:
    found = user.destination(id_)
    if found is None:
        raise NotFound("You have no such channel.")
    return found


def _with(user: User, id_: str, **changes: Any) -> User:
    changed = _found(user, id_).model_copy(update=changes)
    return user.replace(
        destinations=tuple(changed if one.id == id_ else one for one in user.destinations)
    )


def _without(user: User, id_: str) -> User:
    return user.replace(
        destinations=tuple(one for one in user.destinations if one.id != id_),
        channels=tuple(name for name in user.channels if name != id_) or (EMAIL,),
        fallback=tuple(name for name in user.fallback if name != id_),
    )
