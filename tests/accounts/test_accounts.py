from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from redis import Redis

from services.accounts import Accounts
from services.accounts.links import Links
from services.accounts.passwords import Passwords
from services.accounts.profiles import Profiles
from services.errors import AuthenticationFailed, InvalidInput
from services.store.contract import Store
from services.store.kept import KeptStore
from services.store.shelf import Shelf
from services.store.users import Users
from tests.support.market import MONDAY, RecordingJobs

EMAIL, PASSWORD = "ada@example.com", "correct horse"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
LINKS = Links("a key for tests")


@pytest.fixture
def users(chosen_store: Store, redis: Redis) -> Users:
    return Users(KeptStore(chosen_store, Shelf(redis)))


@pytest.fixture
def accounts(users: Users, redis: Redis, jobs: RecordingJobs) -> Accounts:
    profiles = Profiles(users, Shelf(redis))
    return Accounts(users, profiles, redis, jobs, LINKS, Passwords(QUICK))


@pytest.fixture
def ada(accounts: Accounts) -> Accounts:
    accounts.sign_up(EMAIL, PASSWORD, MONDAY, "Europe/Berlin")
    return accounts


def test_who_signed_up_can_sign_in(ada: Accounts, jobs: RecordingJobs) -> None:
    profile = ada.sign_in(EMAIL, PASSWORD)
    assert (profile.email, profile.confirmed, profile.time_zone) == (EMAIL, False, "Europe/Berlin")
    assert jobs.account_mails == [("confirm", profile.uid)]


def test_an_address_is_the_same_in_any_case_and_with_spaces(ada: Accounts) -> None:
    assert ada.sign_in("  ADA@Example.COM ", PASSWORD).email == EMAIL


def test_a_known_address_gets_a_mail_and_keeps_its_password(
    ada: Accounts, jobs: RecordingJobs
) -> None:
    ada.sign_up("Ada@example.com", "another password", MONDAY)
    assert [kind for kind, _ in jobs.account_mails] == ["confirm", "known"]
    with pytest.raises(AuthenticationFailed):
        ada.sign_in(EMAIL, "another password")
    assert ada.sign_in(EMAIL, PASSWORD)


def test_a_wrong_password_and_an_unknown_address_fail_with_the_same_words(ada: Accounts) -> None:
    with pytest.raises(AuthenticationFailed) as wrong:
        ada.sign_in(EMAIL, "not the password")
    with pytest.raises(AuthenticationFailed) as unknown:
        ada.sign_in("bob@example.com", PASSWORD)
    assert str(wrong.value) == str(unknown.value)


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.com", "a b@example.com", "x" * 9999]
)
def test_what_is_no_address_is_refused(accounts: Accounts, email: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        accounts.sign_up(email, PASSWORD, MONDAY)
    assert refusal.value.field == "email"


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 129, "Password1234"])
def test_a_password_has_12_to_128_characters_and_is_not_one_that_everybody_knows(
    accounts: Accounts, password: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        accounts.sign_up(EMAIL, password, MONDAY)
    assert refusal.value.field == "password"


def test_an_unknown_time_zone_becomes_utc(accounts: Accounts) -> None:
    accounts.sign_up(EMAIL, PASSWORD, MONDAY, "../../etc/passwd")
    assert accounts.sign_in(EMAIL, PASSWORD).time_zone == "UTC"


def test_passwords_are_kept_as_argon2id(ada: Accounts, users: Users) -> None:
    user = users.by_email(EMAIL)
    assert user is not None
    assert user.password_hash.startswith("$argon2id$")


def test_the_link_in_the_mail_confirms_the_address(ada: Accounts, users: Users) -> None:
    user = users.by_email(EMAIL)
    assert user is not None
    token = LINKS.make("confirm", user, MONDAY)
    ada.confirm(token, MONDAY)
    assert ada.sign_in(EMAIL, PASSWORD).confirmed
    ada.confirm(token, MONDAY)


def test_a_link_dies_with_time_and_with_a_changed_character(ada: Accounts, users: Users) -> None:
    user = users.by_email(EMAIL)
    assert user is not None
    token = LINKS.make("confirm", user, MONDAY)
    with pytest.raises(AuthenticationFailed):
        ada.confirm(token, MONDAY + timedelta(days=8))
    for forged in (token[:-1], "x" + token, "", "a.b", LINKS.make("reset", user, MONDAY)):
        with pytest.raises(AuthenticationFailed):
            ada.confirm(forged, MONDAY)


def test_a_reset_sets_a_new_password_once_and_tells_its_owner(
    ada: Accounts, users: Users, jobs: RecordingJobs
) -> None:
    user = users.by_email(EMAIL)
    assert user is not None
    token = LINKS.make("reset", user, MONDAY)
    ada.reset(token, "a new password", MONDAY)
    assert ada.sign_in(EMAIL, "a new password")
    with pytest.raises(AuthenticationFailed):
        ada.reset(token, "a third password", MONDAY)
    assert jobs.account_mails[1:] == [("changed", user.uid)]


def test_a_reset_confirms_the_address_that_its_link_was_sent_to(
    ada: Accounts, users: Users, jobs: RecordingJobs
) -> None:
    user = users.by_email(EMAIL)
    assert user is not None
    assert ada.reset(LINKS.make("reset", user, MONDAY), "a new password", MONDAY).confirmed
    assert jobs.released == [user.uid]


def test_a_new_password_ends_every_session_and_token_and_is_told(
    ada: Accounts, jobs: RecordingJobs
) -> None:
    before = ada.sign_in(EMAIL, PASSWORD)
    token = ada.create_token(EMAIL, PASSWORD, MONDAY)
    assert ada.by_token(token).uid == before.uid
    after = ada.change_password(before.uid, PASSWORD, "a new password")
    assert ada.profile(before.uid, before.auth_epoch) is None
    assert ada.profile(after.uid, after.auth_epoch) is not None
    with pytest.raises(AuthenticationFailed):
        ada.by_token(token)
    assert jobs.account_mails[1:] == [("changed", before.uid)]


def test_changing_the_password_needs_the_present_one(ada: Accounts, jobs: RecordingJobs) -> None:
    uid = ada.sign_in(EMAIL, PASSWORD).uid
    with pytest.raises(InvalidInput) as refusal:
        ada.change_password(uid, "a guess", "a new password")
    assert refusal.value.field == "present"
    assert jobs.account_mails == [("confirm", uid)]


def test_a_reset_of_an_unknown_address_mails_nobody(
    accounts: Accounts, jobs: RecordingJobs
) -> None:
    accounts.ask_for_reset("nobody@example.com")
    assert jobs.account_mails == []


@pytest.mark.parametrize("token", ["", "bw", "bw..", "bw.X.y", "bw./../.x", "é" * 500, "bw.a.b.c"])
def test_what_is_no_token_is_refused(accounts: Accounts, token: str) -> None:
    with pytest.raises(AuthenticationFailed):
        accounts.by_token(token)


def test_a_warm_token_reads_nothing_from_the_store(
    ada: Accounts, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = ada.create_token(EMAIL, PASSWORD, MONDAY)
    ada.by_token(token)
    monkeypatch.setattr(Users, "get", None)
    monkeypatch.setattr(Users, "get_token", None)
    assert ada.by_token(token).email == EMAIL


def test_creating_a_confirmed_account_twice_gives_the_same_person(accounts: Accounts) -> None:
    first = accounts.create_confirmed(EMAIL, PASSWORD, MONDAY)
    assert accounts.create_confirmed(EMAIL, PASSWORD, MONDAY) == first
    assert accounts.sign_in(EMAIL, PASSWORD).confirmed
