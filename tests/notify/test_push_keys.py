"""The key that signs push messages, and where it comes from."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config import Settings, SettingsError, load_settings
from services.errors import PushOff
from services.notify.push_keys import PushKey, new_private_key, push_key
from tests.support.rfc8291 import encode, key_of


def settings(folder: Path, **more: object) -> Settings:
    return Settings(_env_file=None, bellwether_data=folder, **more)


def test_a_key_is_made_once_and_only_this_user_may_read_it(tmp_path: Path) -> None:
    first, again = push_key(settings(tmp_path)), push_key(settings(tmp_path))
    assert first == again
    file = tmp_path / "vapid_private_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == first.private
    assert [file.name for file in tmp_path.iterdir()] == ["vapid_private_key"]


def test_many_who_make_the_first_key_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(push_key, [settings(tmp_path / "new")] * 8))
    assert len({key.public for key in keys}) == 1


def test_the_public_half_is_the_point_that_browsers_take() -> None:
    key = PushKey.of(new_private_key())
    point = key_of(key.private).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert key.public == encode(raw)
    assert (len(raw), raw[0]) == (65, 4)
    assert key.private not in repr(key)


def test_the_setting_goes_before_the_file(tmp_path: Path) -> None:
    given = new_private_key()
    assert push_key(settings(tmp_path, vapid_private_key=f" {given}=\n")).private == given
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "secret",
        "A" * 43,
        "_" * 43,
        "!" * 43,
        "B" * 45,
        "-----BEGIN EC PRIVATE KEY-----",
    ],
)
def test_a_setting_that_is_no_key_is_told_at_the_start_without_it(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("VAPID_PRIVATE_KEY", text)
    with pytest.raises(
        SettingsError, match=r"VAPID_PRIVATE_KEY: .*flask --app app push-key"
    ) as told:
        load_settings()
    assert text not in str(told.value)


def test_a_hosted_store_needs_the_setting_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(PushOff, match="VAPID_PRIVATE_KEY is not set"):
        push_key(settings(tmp_path, firebase_project_id="flock"))
    assert list(tmp_path.iterdir()) == []
    assert push_key(
        settings(tmp_path, firebase_project_id="flock", vapid_private_key=new_private_key())
    )
    assert push_key(settings(tmp_path, firebase_project_id="flock", bellwether_local=True))


def test_a_broken_file_turns_push_off_and_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "vapid_private_key").write_text("A" * 43)
    with pytest.raises(PushOff, match="cannot be signed"):
        push_key(settings(tmp_path))
    assert (tmp_path / "vapid_private_key").read_text() == "A" * 43


def test_a_folder_that_cannot_be_written_turns_push_off(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PushOff, match="VAPID_PRIVATE_KEY"):
        push_key(settings(tmp_path / "file"))
