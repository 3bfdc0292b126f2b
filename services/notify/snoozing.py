"""Being told of a trigger once more, later, as its message and its page offer it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from services.errors import AuthenticationFailed, InvalidInput, NotFound
from services.notify import deliveries
from services.store.contract import Store, Transaction, Update
from services.store.triggers import Delivery, Trigger, trigger_path
from services.store.users import EMAIL, User, Users
from services.texts import gettext as _

HOURS: Final = (1, 4, 24)
"""For how long one can snooze; the first is what a message offers."""
MORNING: Final = "morning"
MORNING_AT = time(8)
"""In the person's time zone: of the next day, which begins when the night is over."""
NIGHT_ENDS = timedelta(hours=4)
RECENT = timedelta(days=1)
Span: TypeAlias = int | Literal["morning"]
"""One of HOURS, or until the morning."""
Stand: TypeAlias = Literal["open", "set", "told", "sending", "untold", "silent"]


@dataclass(frozen=True, slots=True)
class Reminder:
    """Where a trigger's being told once more stands.

    open: it can be asked for. set: it comes at `due_at` (UTC) by `channels`, `is_held` until
    quiet hours end. told: it came already. sending: the message that offers it is still being sent.
    untold: no channel took it, so that there is nothing to repeat. silent: it can only go by
    mail, of which none goes to this person, for the reason `because`.
    """

    trigger: Trigger
    user: User
    stand: Stand
    channels: tuple[str, ...] = ()
    due_at: datetime | None = None
    because: str | None = None
    is_held: bool = False
    is_new: bool = False


class Snoozing:
    """Without a `round_`, whatever was told last is meant. Every method may raise StoreError."""

    def __init__(self, store: Store, users: Users) -> None:
        self._store = store
        self._users = users

    def look(self, uid: str, trigger_id: str, round_: int) -> Reminder:
        """Where it stands; nothing is changed. Raises NotFound or AuthenticationFailed."""
        user = self._owner(uid)
        document = self._store.get(trigger_path(uid, trigger_id))
        if document is None:
            raise _missing()
        return reminder_of(Trigger.from_document(document), user, round_)

    def snooze(
        self, uid: str, trigger_id: str, round_: int | None, span: Span, now: datetime
    ) -> Reminder:
        """Have a trigger told once more after so many hours or in the morning, by the channels
        that took it.

        Once a round. Raises NotFound, InvalidInput, or AuthenticationFailed where there is no
        such account.
        """
        hours = 0 if span == MORNING else checked_hours(span)
        user, path = self._owner(uid), trigger_path(uid, trigger_id)
        until = now + timedelta(hours=hours) if hours else next_morning(now, user.time_zone)

        def work(transaction: Transaction) -> Reminder:
            document = transaction.get(path)
            if document is None:
                raise _missing()
            before = Trigger.from_document(document)
            found = reminder_of(before, user, round_)
            if found.stand != "open":
                return found
            after = _told_again(before, round_, until)
            transaction.write(Update(path, after.fields()))
            return _set(after, user, found.channels, is_new=True)

        return self._store.transact(work)

    def _owner(self, uid: str) -> User:
        user = self._users.get(uid)
        if user is None:
            raise AuthenticationFailed(_("This account does not exist any more."))
        return user


def checked_hours(hours: int) -> int:
    """Raises InvalidInput for what is none of HOURS."""
    if hours not in HOURS:
        raise InvalidInput("hours", _("You can be told again in 1, 4 or 24 hours."))
    return hours


def next_morning(now: datetime, time_zone: str) -> datetime:
    """MORNING_AT of the next day, UTC; at night that is the day that has just begun."""
    zone = ZoneInfo(time_zone)
    day = (now.astimezone(zone) - NIGHT_ENDS).date() + timedelta(days=1)
    return datetime.combine(day, MORNING_AT, zone).astimezone(UTC)


def reminder_of(trigger: Trigger, user: User, round_: int | None) -> Reminder:
    """Where being told once more, after that round, stands. Pure."""
    meant = [
        (name, delivery)
        for name, delivery in trigger.deliveries.items()
        if round_ is None or delivery.round == round_
    ]
    taken = tuple(name for name, delivery in meant if delivery.state == "sent")
    later = [
        (name, delivery)
        for name, delivery in trigger.deliveries.items()
        if delivery.round > (round_ or 0)
    ]
    waiting = tuple(name for name, delivery in later if _is_to_come(delivery))
    if taken and (because := _silent(trigger, user, taken)):
        return Reminder(trigger, user, "silent", because=because)
    if taken:
        return Reminder(trigger, user, "open", taken)
    if waiting:
        return _set(trigger, user, waiting)
    if any(delivery.state == "sent" for _, delivery in later):
        return Reminder(trigger, user, "told")
    is_sending = not trigger.deliveries or any(_is_to_come(delivery) for _, delivery in meant)
    return Reminder(trigger, user, "sending" if is_sending else "untold")


def was_told_lately(trigger: Trigger, now: datetime) -> bool:
    """Whether a channel took it in the past day, so that a page offers to tell it again."""
    return any(
        one.state == "sent" and one.sent_at is not None and one.sent_at > now - RECENT
        for one in trigger.deliveries.values()
    )


def _set(
    trigger: Trigger, user: User, channels: tuple[str, ...], *, is_new: bool = False
) -> Reminder:
    due = _due(trigger, channels)
    due_at = deliveries.due_for(user, trigger, due) if due else None
    is_held = due_at != due
    return Reminder(trigger, user, "set", channels, due_at, is_held=is_held, is_new=is_new)


def _due(trigger: Trigger, channels: Sequence[str]) -> datetime | None:
    moments = [trigger.deliveries[name].due_at for name in channels]
    return min((moment for moment in moments if moment), default=None)


def _told_again(trigger: Trigger, round_: int | None, until: datetime) -> Trigger:
    present = {one.round for one in trigger.deliveries.values() if one.state == "sent"}
    for each in present if round_ is None else {round_}:
        trigger = deliveries.snoozed(trigger, each, until)
    return trigger


def _silent(trigger: Trigger, user: User, channels: Sequence[str]) -> str | None:
    """Why it would be told to nobody, where that is certain."""
    if set(channels) != {EMAIL} or deliveries.another(trigger, user) is not None:
        return None
    return deliveries.no_mail_because(user)


def _is_to_come(delivery: Delivery) -> bool:
    return delivery.due_at is not None


def _missing() -> NotFound:
    return NotFound("There is no such trigger.")
