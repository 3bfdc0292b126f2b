"""The words and layout of mails."""

import re
from datetime import UTC, datetime

import pytest

from services.accounts.links import Links
from services.alerts.conditions import PriceCondition
from services.jobs import AccountMail
from services.notify.compose import Composer
from services.store.triggers import Delivery, Trigger
from services.store.users import User

AT = datetime(2000, 9, 29, 13, 42, tzinfo=UTC)
ADDRESS = "https://bell.example"
COMPOSER = Composer(ADDRESS, "Bellwether <bell@bell.example>", Links("a key for tests"))
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
    ("kind", "path"), [("confirm", "/confirm/"), ("reset", "/reset/"), ("known", "/reset/")]
)
def test_a_mail_about_the_account_has_its_link_in_text_and_html(
    kind: AccountMail, path: str
) -> None:
    mail = COMPOSER.account(kind, ADA, "to.ken", "key")
    assert f"\n{ADDRESS}{path}to.ken\n" in mail.text
    assert f'href="{ADDRESS}{path}to.ken"' in mail.html


def test_no_mail_loads_anything_from_the_network() -> None:
    mails = [COMPOSER.trigger(trigger(), ADA, AT)]
    mails += [COMPOSER.account(kind, ADA, "t", "k") for kind in ("confirm", "reset", "known")]
    for mail in mails:
        assert not re.search(r"<(img|link|script|iframe)|\ssrc=|url\(", mail.html)
