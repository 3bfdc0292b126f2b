"""The operator is told by each way that is set."""

from typing import Any

import pytest
from pydantic import SecretStr

from config import Settings
from services.errors import DeliveryError
from services.operator import Operator
from tests.support.http_peer import HttpPeer
from tests.support.market import MONDAY
from tests.support.smtp import SmtpPeer, text_of


def operator(**fields: Any) -> Operator:
    return Operator(Settings(_env_file=None, private_hosts="127.0.0.1", **fields))


def url(peer: HttpPeer) -> SecretStr:
    return SecretStr(peer.url.replace("http://", "ntfy://") + "/bell")


def test_a_mail_tells_what_happened(smtp: SmtpPeer) -> None:
    operator(smtp_url=smtp.url, operator_email="op@example.com").tell(
        "Late", "One.\n\nTwo.", MONDAY
    )
    (mail,) = smtp.accepted
    assert (mail["To"], mail["Subject"]) == ("op@example.com", "Late")
    assert "Two." in text_of(mail)


def test_a_chat_is_told_too(smtp: SmtpPeer, http_peer: HttpPeer) -> None:
    both = operator(smtp_url=smtp.url, operator_email="op@example.com", operator_url=url(http_peer))
    both.tell("Late", "One.", MONDAY)
    assert len(smtp.accepted) == 1
    assert b"Late" in http_peer.got[0].body


def test_one_way_that_takes_it_is_enough(smtp: SmtpPeer, http_peer: HttpPeer) -> None:
    smtp.answer = "550 no"
    both = operator(smtp_url=smtp.url, operator_email="op@example.com", operator_url=url(http_peer))
    both.tell("Late", "One.", MONDAY)
    assert len(http_peer.got) == 1


def test_an_operator_who_cannot_be_reached_is_an_error(smtp: SmtpPeer) -> None:
    smtp.answer = "550 no"
    with pytest.raises(DeliveryError):
        operator(smtp_url=smtp.url, operator_email="op@example.com").tell("Late", "One.", MONDAY)


def test_where_nobody_is_named_nobody_is_told() -> None:
    operator().tell("Late", "One.", MONDAY)
