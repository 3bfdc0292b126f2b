"""A person's outbox and the mail server that it sends to."""

from dataclasses import dataclass

import pytest

from services.accounts.links import Links
from services.notify.channel import Channels, Letter
from services.notify.channels.email.channel import EmailChannel
from services.notify.channels.email.transport import SmtpTransport
from services.notify.compose import Composer
from services.notify.outbox import Outbox
from services.store.triggers import Delivery, Trigger
from services.store.users import User
from tests.support.bell import Bell
from tests.support.smtp import SmtpPeer

LINKS = Links("a key for tests")
SENDER = "Bellwether <bell@bellwether.example>"


@dataclass
class Post:
    """The outbox of one person's Bellwether, and the server that it sends to."""

    bell: Bell
    outbox: Outbox
    smtp: SmtpPeer
    trigger_id: str

    def deliver(self) -> Delivery:
        """Send one message."""
        self.outbox.deliver(self.bell.uid, "email", self.bell.at)
        return self.delivery

    def lease(self) -> Letter:
        """What a worker does before it sends."""
        letter = self.outbox._lease(self.bell.uid, "email", self.bell.at).letter
        assert letter is not None
        return letter

    def deliver_all(self) -> None:
        """One sweep, and every job of it."""
        self.bell.sweep(self.outbox)

    def ring(self, *symbols: str) -> list[Trigger]:
        """Let an alert on each of these symbols ring now."""
        ids = []
        for symbol in symbols:
            self.bell.price(100.0, symbol)
            alert = self.bell.alert("price_rises_to", 90, symbol, if_true="fire_now")
            ids.append(f"{alert.id}-1")
        return [self.bell.services.triggers.get(self.bell.uid, id_) for id_ in ids]

    def change(self, **fields: object) -> User:
        """Change the person's profile."""
        return self.bell.services.users.update(self.bell.uid, **fields)

    @property
    def user(self) -> User:
        user = self.bell.services.users.get(self.bell.uid)
        assert user is not None
        return user

    @property
    def states(self) -> list[str]:
        """Of all deliveries, the oldest first."""
        triggers = sorted(self.bell.triggers(), key=lambda trigger: trigger.id)
        return [trigger.deliveries["email"].state for trigger in triggers]

    @property
    def trigger(self) -> Trigger:
        return self.bell.services.triggers.get(self.bell.uid, self.trigger_id)

    @property
    def delivery(self) -> Delivery:
        return self.trigger.deliveries["email"]


@pytest.fixture
def post(bell: Bell, smtp: SmtpPeer) -> Post:
    """A trigger of AAPL at 111 that is due."""
    bell.alert("price_rises_to", 110, note="sell <half>")
    bell.check_at(111, day_high=112)
    outbox = Outbox(
        bell.services.store,
        Channels(
            EmailChannel(
                Composer("https://bell.example", SENDER, LINKS), SmtpTransport(smtp.url, SENDER)
            )
        ),
        bell.jobs,
        luck=lambda: 0.5,
    )
    return Post(bell, outbox, smtp, bell.triggers()[0].id)
