"""A push message before any device has it: what it says, and what may be done about it at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.accounts.links import Links
from services.notify.brief import brief_of
from services.notify.channel import Letter
from services.notify.deliveries import identity
from services.store.triggers import Trigger
from services.store.users import PUSH, User
from services.texts import gettext as _

LIVES = timedelta(hours=12)
"""How long a push service keeps a message for a device that is off."""
MAX_BYTES = 3_500
"""Of the payload; push services take 4,096 with what encryption adds."""
MAX_TITLE = 200


@dataclass(frozen=True, slots=True)
class Push:
    """`tag` names the message: a device shows the newest of a tag only. `link` is opened by a
    click; a POST to `snooze` or `pause`, signed, does that without a log-in."""

    title: str
    body: str
    link: str
    tag: str
    urgent: bool = False
    snooze: str = ""
    pause: str = ""

    def fields(self) -> dict[str, str]:
        """What a device gets, its JSON of MAX_BYTES at most: the body is shortened to fit."""
        fields = {
            "title": self.title[:MAX_TITLE],
            "body": self.body,
            "link": self.link,
            "tag": self.tag,
            "snooze": self.snooze,
            "pause": self.pause,
        }
        excess = len(_json(fields)) - MAX_BYTES
        if excess > 0:
            # No byte of text is less than one of JSON.
            kept = len(self.body.encode()) - excess - len("…".encode())
            fields["body"] = self.body.encode()[: max(0, kept)].decode(errors="ignore") + "…"
        return fields

    def payload(self) -> bytes:
        return _json(self.fields())


class PushComposer:
    """Writes push messages. `address` is the site's, without a slash at its end."""

    def __init__(self, address: str, links: Links) -> None:
        self._address = address
        self._links = links

    def letter(self, letter: Letter, now: datetime) -> Push:
        triggers, user = letter.triggers, letter.user
        brief = brief_of(triggers, user, self._address)
        answers = self._answers(triggers, now) if len(triggers) == 1 else {}
        return Push(
            brief.title,
            brief.body,
            brief.link,
            tag=letter.delivery.group or identity(triggers[0], PUSH),
            urgent=any(trigger.urgent for trigger in triggers),
            **answers,
        )

    def test(self, user: User) -> Push:
        return Push(
            _("Bellwether reaches this device"),
            _("This is the test that you asked for. Your alerts will look like this."),
            f"{self._address}/",
            tag=f"test-{user.uid}",
            urgent=True,
        )

    def _answers(self, triggers: Sequence[Trigger], now: datetime) -> dict[str, str]:
        trigger = triggers[0]
        round_ = trigger.deliveries[PUSH].round
        snooze = self._links.make_snooze(trigger.uid, trigger.id, round_, now)
        pause = self._links.make_pause(trigger.uid, trigger.alert_id, now)
        return {
            "snooze": f"{self._address}/mail/snooze/{snooze}",
            "pause": f"{self._address}/mail/pause/{pause}",
        }


def _json(fields: dict[str, str]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
