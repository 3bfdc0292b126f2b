from pathlib import Path

import pytest

from config import Settings
from local.demo_user import EMAIL, demo_password
from local.first_steps import first_steps


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(port=5001, bellwether_data=tmp_path, smtp_url="")


def test_they_begin_with_the_address_and_say_where_the_mails_are(settings: Settings) -> None:
    told = first_steps(settings, "yahoo", demo=False)
    assert told.startswith("Bellwether is ready: http://localhost:5001\n")
    assert "http://localhost:5001/local/mail" in told


def test_a_replay_is_called_one(settings: Settings) -> None:
    told = "Prices are a replay of real ones from 2000-06-01 on"
    assert told in first_steps(settings, "replay", demo=False)
    assert told not in first_steps(settings, "yahoo", demo=False)


def test_a_real_mail_server_has_no_local_mailbox(settings: Settings) -> None:
    own = settings.model_copy(update={"smtp_url": "smtp://mail.example"})
    assert "/local/mail" not in first_steps(own, "yahoo", demo=False)


def test_the_demo_tells_whom_to_sign_in_as(settings: Settings) -> None:
    told = first_steps(settings, "replay", demo=True)
    password = demo_password(settings.signing_key())
    assert f"{EMAIL} with the password {password}" in told


def test_the_demo_password_stays_with_its_data_folder() -> None:
    assert demo_password("one key") == demo_password("one key")
    assert demo_password("one key") != demo_password("another")
    assert len(demo_password("one key")) == 12
