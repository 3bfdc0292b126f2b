"""The words and layout of mails."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from html.parser import HTMLParser

import pytest

from services.accounts.links import Links
from services.alerts.conditions import PriceCondition
from services.ids import new_id
from services.jobs import AccountMail
from services.notify.channels.email.mime import mime_of
from services.notify.compose import Composer
from services.notify.message import Image, Message
from services.store.triggers import Delivery, Trigger
from services.store.users import User

AT = datetime(2000, 9, 29, 13, 42, tzinfo=UTC)
ADDRESS = "https://bell.example"
LINKS = Links("a key for tests")
COMPOSER = Composer(ADDRESS, "Bellwether <bell@bell.example>", LINKS)
ADA = User(
    uid="u", email="ada@example.com", password_hash="", created_at=AT, time_zone="Europe/Berlin"
)


def trigger(**fields: object) -> Trigger:
    return Trigger.model_validate(
        {
            "uid": "u",
            "id": "a-1",
            "alert_id": "a",
            "epoch": 1,
            "symbol": "AAPL",
            "condition": PriceCondition(kind="price_falls_to", level=40.0),
            "note": "",
            "value": 25.37,
            "price": 25.75,
            "low": 25.37,
            "high": 53.5,
            "currency": "USD",
            "occurred_at": AT,
            "noticed_at": AT,
            "source": "replay",
            "deliveries": {"email": Delivery()},
            "open": True,
            "due_at": AT,
            **fields,
        }
    )


def test_the_bell_tells_symbol_level_value_and_time_in_text_and_html() -> None:
    mail = COMPOSER.trigger(trigger(note="sell the farm"), ADA, AT)
    for body in (mail.text, mail.html):
        for fact in (
            "AAPL fell to 40.00 USD",
            "25.37",
            "25.75",
            "53.50",
            "29 September 2000, 15:42 CEST",
            "sell the farm",
            "not live",
            f"{ADDRESS}/alerts/a",
        ):
            assert fact in body


def test_a_mail_about_pence_says_so() -> None:
    mail = COMPOSER.trigger(trigger(currency="GBp"), ADA, AT)
    assert "pence" in mail.text
    assert "pence" in mail.html


def test_markup_in_a_note_stays_text_in_a_mail() -> None:
    assert "<img" not in COMPOSER.trigger(trigger(note="<img src=x>"), ADA, AT).html


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("confirm", "/confirm/"),
        ("reset", "/reset/"),
        ("known", "/reset/"),
        ("changed", "/reset/"),
    ],
)
def test_a_mail_about_the_account_has_its_link_in_text_and_html(
    kind: AccountMail, path: str
) -> None:
    mail = COMPOSER.account(kind, ADA, "to.ken", "key")
    assert f"\n{ADDRESS}{path}to.ken\n" in mail.text
    assert f'href="{ADDRESS}{path}to.ken"' in mail.html


def rings(many: int, **fields: object) -> list[Trigger]:
    return [trigger(id=f"a{n}-1", alert_id=f"a{n}", **fields) for n in range(many)]


def chart_of(one: Trigger) -> Image:
    return Image(f"{one.id}.chart@bellwether", b"\x89PNG", "AAPL, 30 closes", 520, 160)


def size(mail: Message) -> int:
    """In bytes, as it is sent."""
    return len(mime_of(mail, "Bellwether <bell@bell.example>", "", AT).as_bytes())


class Page(HTMLParser):
    """Checks that tags are closed in order; keeps what is loaded, linked and shown."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert self.open == [], "never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def every_mail() -> dict[str, Message]:
    charts = {one.id: chart_of(one) for one in rings(5)}
    hostile = {"note": "</td></table><script>x</script>\r\nBcc: eve@evil.example"}
    mails = {
        "one": COMPOSER.triggers(rings(1), ADA, None, AT, charts),
        "hostile": COMPOSER.triggers(rings(1, **hostile), ADA, None, AT),
        "some": COMPOSER.triggers(rings(5, **hostile), ADA, "g", AT, charts),
        "many": COMPOSER.triggers(rings(100, **hostile), ADA, "g", AT),
        "test": COMPOSER.test(ADA, "key"),
    }
    kinds: tuple[AccountMail, ...] = ("confirm", "reset", "known", "changed")
    return mails | {kind: COMPOSER.account(kind, ADA, "t", "k") for kind in kinds}


MAILS = every_mail()


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_is_well_formed_and_loads_nothing_from_the_network(name: str) -> None:
    mail = MAILS[name]
    page = Page(mail.html)
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "link", "form", "style"}
    assert "url(" not in mail.html
    shown = [attrs["src"] for attrs in page.every("img")]
    assert shown == [f"cid:{image.cid}" for image in mail.images]
    assert all(attrs["alt"] for attrs in page.every("img"))
    assert all(re.match(rf"{ADDRESS}(/|$)", str(attrs["href"])) for attrs in page.every("a"))


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_follows_the_readers_light_or_dark(name: str) -> None:
    metas = [attrs.get("content") for attrs in Page(MAILS[name].html).every("meta")]
    assert metas.count("light dark") == 2
    painted = re.findall(r'style="([^"]*(?<!-)color:#[^"]*)"', MAILS[name].html)
    assert all("color:#ffffff" in style for style in painted), "but for the button's words"


@pytest.mark.parametrize("note", ["x" * 500, "漢" * 500, "🔔" * 500, "<" * 500])
def test_a_mail_about_a_hundred_alerts_with_long_notes_is_smaller_than_programs_cut(
    note: str,
) -> None:
    user = ADA.replace(uid=new_id(AT))
    triggers = [
        trigger(uid=user.uid, id=f"{id_}-1234", alert_id=id_, symbol="ABCDEFGH-USD", note=note)
        for id_ in (new_id(AT) for _ in range(100))
    ]
    mail = COMPOSER.triggers(triggers, user, "f" * 32, AT)
    assert size(mail) < 100_000
    assert len(mail.html.encode()) < 100_000


def test_a_mail_with_five_charts_is_small() -> None:
    some = rings(5, note="🔔" * 500)
    charts = {one.id: replace(chart_of(one), png=bytes(8_000)) for one in some}
    assert size(COMPOSER.triggers(some, ADA, "g", AT, charts)) < 100_000


def test_every_alert_of_a_mail_about_many_can_be_seen_and_paused() -> None:
    mail = MAILS["many"]
    assert len(re.findall(rf'href="{ADDRESS}/alerts/a\d+"', mail.html)) == 100
    for body in (mail.html, mail.text):
        tokens = re.findall(rf"{ADDRESS}/mail/pause/([\w.-]+)", body)
        assert [LINKS.paused(token, AT)[1] for token in tokens] == [f"a{n}" for n in range(100)]


def test_a_ring_can_be_snoozed_armed_and_paused_from_its_mail() -> None:
    for body in (MAILS["one"].text, MAILS["one"].html):
        snooze, again = (
            re.findall(rf"{ADDRESS}/mail/{what}/([\w.-]+)", body) for what in ("snooze", "again")
        )
        assert [LINKS.snoozed(token, AT) for token in snooze] == [("u", "a0-1", 0)]
        assert [LINKS.again(token, AT) for token in again] == [("u", "a0", 1)]
        assert len(re.findall(f"{ADDRESS}/mail/pause/", body)) == 1


def test_the_subject_reads_well_in_a_list_on_a_phone() -> None:
    rise = PriceCondition(kind="price_rises_to", level=198.0)
    one = trigger(condition=rise, price=198.5)
    assert COMPOSER.trigger(one, ADA, AT).subject == "AAPL 198.50, rose to 198.00 · Bellwether"
    assert COMPOSER.triggers(rings(3), ADA, "g", AT).subject == ("3 alerts rang: AAPL · Bellwether")


def test_what_was_snoozed_says_so_and_is_another_mail() -> None:
    once, again = (trigger(deliveries={"email": Delivery(round=n)}) for n in (0, 1))
    first, second = COMPOSER.trigger(once, ADA, AT), COMPOSER.trigger(again, ADA, AT)
    assert second.subject == f"Again: {first.subject}"
    assert second.message_id != first.message_id
    both = COMPOSER.triggers([again, again], ADA, "g", AT)
    assert both.subject == "Again: 2 alerts rang: AAPL · Bellwether"
    assert not COMPOSER.triggers([once, again], ADA, "g", AT).subject.startswith("Again")


@pytest.mark.parametrize("note", ["\r\nBcc: eve@evil.example", "a\u2028b\x85c", "\x00\x0b"])
def test_a_note_cannot_carry_a_header(note: str) -> None:
    mail = COMPOSER.triggers(rings(2, note=note, symbol="AAPL"), ADA, "g", AT)
    mime = mime_of(mail, "Bellwether <bell@bell.example>", "", AT)
    assert message_from_bytes(mime.as_bytes()).keys() == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "MIME-Version",
        "Content-Type",
    ]
