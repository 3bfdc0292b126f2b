"""Addresses and secrets of channels are stored sealed, and outlive a change of keys."""

import pytest
from click.testing import Result

from services.doctor import inside
from services.errors import DeliveryError
from services.notify.resealing import Seals, reseal
from services.notify.sealing import MARK, Seal
from services.notify.shown import shown
from services.store.keeping import Keeping
from services.store.users import MAX_DESTINATION_URL, Destination
from tests.support.bell import Bell
from tests.support.market import MONDAY

URL, SECRET = "https://hooks.example.com/in?key=of-the-hook", "what signs"
OLD, NEW = Seal(["of before"]), Seal(["of before", "of now"])
AFTER = Seal(["of now"])
PLAIN = Destination(
    id="d" + "0" * 26, kind="webhook", name="Hook", url=URL, secret=SECRET, added_at=MONDAY
)


def opened(seal: Seal, one: Destination) -> tuple[str, str]:
    plain = seal.open(one)
    return plain.url, plain.secret


def stored(bell: Bell) -> str:
    return str([document.fields for document in bell.services.store.all()])


def keep(bell: Bell, *destinations: Destination) -> None:
    bell.services.users.update(bell.uid, destinations=destinations)


def test_what_is_sealed_tells_nothing_but_what_may_be_seen() -> None:
    sealed = OLD.seal(PLAIN)
    assert "of-the-hook" not in sealed.model_dump_json()
    assert SECRET not in sealed.model_dump_json()
    assert shown(sealed) == shown(PLAIN) == "https://hooks.example.com/…"
    assert opened(OLD, sealed) == (URL, SECRET)


def test_a_new_key_opens_nothing_of_before_unless_the_old_one_stands_behind_it() -> None:
    sealed = OLD.seal(PLAIN)
    assert opened(NEW, sealed) == (URL, SECRET)
    with pytest.raises(DeliveryError, match="Remove the channel, and add it again") as error:
        AFTER.open(sealed)
    assert error.value.permanent


def test_sealed_anew_the_old_key_is_needed_no_more() -> None:
    renewed = NEW.renewed(OLD.seal(PLAIN))
    assert opened(AFTER, renewed) == (URL, SECRET)
    assert NEW.renewed(renewed) is renewed
    assert opened(AFTER, AFTER.renewed(PLAIN)) == (URL, SECRET)


def test_what_was_changed_in_the_store_is_opened_by_no_key() -> None:
    sealed = OLD.seal(PLAIN)
    forged = sealed.model_copy(update={"url": sealed.url[:-6] + "AAAA=="})
    with pytest.raises(DeliveryError):
        OLD.open(forged)


def test_the_longest_address_finds_room() -> None:
    longest = PLAIN.model_copy(update={"url": "https://x/" + "€" * (MAX_DESTINATION_URL - 10)})
    sealed = Destination.model_validate(OLD.seal(longest).model_dump())
    assert OLD.open(sealed).url == longest.url


def test_what_is_added_is_stored_sealed_and_its_new_secret_too(bell: Bell) -> None:
    destinations = bell.services.destinations
    added = destinations.add(bell.uid, "webhook", "Hook", URL, bell.at)
    secret = destinations.new_secret(bell.uid, added.id).secret
    assert "of-the-hook" not in stored(bell)
    assert added.secret not in stored(bell)
    assert secret not in stored(bell)
    user = bell.services.users.get(bell.uid)
    assert user
    assert opened(bell.services.seal, user.destinations[0]) == (URL, secret)


def test_all_that_is_stored_is_sealed_with_the_first_key_once(bell: Bell) -> None:
    s = bell.services
    ids = [f"d{number:026}" for number in range(3)]
    lost = AFTER.seal(PLAIN).model_copy(update={"id": ids[2], "name": "Lost"})
    keep(bell, PLAIN, OLD.seal(PLAIN).model_copy(update={"id": ids[1], "name": "Old"}), lost)
    seal = Seal(["of before", "another"])
    keeping = Keeping(s.store)
    assert reseal(keeping, s.users, seal, dry_run=True) == Seals(right=0, to_renew=2, lost=1)
    assert "of-the-hook" in stored(bell)
    assert reseal(keeping, s.users, seal, dry_run=False) == Seals(right=0, to_renew=2, lost=1)
    assert reseal(keeping, s.users, seal, dry_run=False) == Seals(right=2, to_renew=0, lost=1)
    user = s.users.get(bell.uid)
    assert user
    assert "of-the-hook" not in stored(bell)
    assert opened(Seal(["another"]), user.destinations[1]) == (URL, SECRET)
    assert user.destinations[2] == lost


def test_the_doctor_tells_of_channels_that_no_key_opens_or_that_lie_open(bell: Bell) -> None:
    s = bell.services
    keeping = Keeping(s.store)
    assert inside.seals(keeping, s.seal).state == "good"
    keep(bell, PLAIN)
    assert inside.seals(keeping, s.seal).state == "doubtful"
    keep(bell, Seal(["nobody has this key"]).seal(PLAIN))
    finding = inside.seals(keeping, s.seal)
    assert (finding.state, "SECRET_KEY=NEW,OLD" in finding.remedy) == ("bad", True)


def test_the_command_seals_and_says_how_many(site) -> None:
    def run(*words: str) -> Result:
        return site.app.test_cli_runner().invoke(args=["seal", *words])

    person = site.person()
    uid = site.services.users.by_email(person.email).uid
    site.services.users.update(uid, destinations=(PLAIN,))
    assert "1 to be sealed anew" in run("--dry-run").stdout
    assert "1 sealed anew" in run().stdout
    assert "1 channels are sealed already" in run().stdout
    kept = site.services.users.get(uid).destinations[0]
    assert kept.url.startswith(MARK)
    site.services.users.update(uid, destinations=(Seal(["x"]).seal(PLAIN),))
    assert run().exit_code == 1
