"""The places that a person's alerts are sent to, and which addresses may be entered."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput, LimitReached, NotFound
from services.notify.channels.apprise.address import OPTIONS, SERVICES
from services.notify.channels.apprise.address import checked as checked_apprise
from services.notify.channels.webhook.address import checked as checked_webhook
from services.notify.destinations import Destinations
from services.notify.hosts import allowed_hosts
from services.notify.shown import shown
from services.notify.switches import off_because, switched_off
from services.store.users import MAX_DESTINATIONS, Destination, User
from tests.support.bell import Bell
from tests.support.market import MONDAY

HOOK = "https://hooks.example.com/in?key=1"
NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def destinations(bell: Bell) -> Destinations:
    return bell.services.destinations


def user_of(bell: Bell) -> User:
    user = bell.services.users.get(bell.uid)
    assert user is not None
    return user


def add(bell: Bell, name: str = "My program", url: str = HOOK) -> Destination:
    kind = "webhook" if url.startswith("http") else "apprise"
    return bell.services.destinations.add(bell.uid, kind, name, url, bell.at)


def test_a_webhook_is_kept_with_a_secret_of_ours(bell: Bell) -> None:
    added = add(bell, "  My \n program ")
    (kept,) = user_of(bell).destinations
    assert bell.services.seal.open(kept) == added.model_copy(update={"leads_to": kept.leads_to})
    assert (added.name, added.url) == ("My program", HOOK)
    assert len(added.secret) == 43


def test_an_apprise_address_is_kept_without_a_secret(bell: Bell) -> None:
    assert add(bell, "Phone", "NTFY://bells").secret == ""
    kept = bell.services.seal.open(user_of(bell).destinations[0])
    assert (kept.url, kept.leads_to) == ("ntfy://bells", "ntfy (ntfy://…)")


def test_the_profile_that_pages_know_is_told(bell: Bell, destinations: Destinations) -> None:
    add(bell)
    (known,) = bell.services.profiles.cached([bell.uid]).values()
    assert [place.kind for place in known.destinations] == ["webhook"]


def test_no_more_than_ten_are_kept(bell: Bell) -> None:
    for number in range(MAX_DESTINATIONS):
        add(bell, f"Program {number}", f"https://hooks.example.com/{number}")
    with pytest.raises(LimitReached, match="10 channels"):
        add(bell, "One more", "https://hooks.example.com/more")
    assert len(user_of(bell).destinations) == MAX_DESTINATIONS


@pytest.mark.parametrize(
    ("name", "url", "field"),
    [("Another", HOOK, "url"), ("Another", f"{HOOK}#x", "url"), ("MY program", "ntfy://x", "name")],
)
def test_the_same_address_or_name_is_not_kept_twice(
    bell: Bell, name: str, url: str, field: str
) -> None:
    add(bell)
    with pytest.raises(InvalidInput) as error:
        add(bell, name, url)
    assert error.value.field == field


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\x00b"])
def test_a_name_that_cannot_be_shown_is_refused(bell: Bell, name: str) -> None:
    with pytest.raises(InvalidInput) as error:
        add(bell, name)
    assert error.value.field == "name"


def test_one_is_renamed_even_to_another_spelling_of_its_name(
    bell: Bell, destinations: Destinations
) -> None:
    added = add(bell)
    assert destinations.rename(bell.uid, added.id, "MY PROGRAM").name == "MY PROGRAM"
    add(bell, "Phone", "ntfy://x")
    with pytest.raises(InvalidInput):
        destinations.rename(bell.uid, added.id, "phone")


def test_what_is_removed_is_rung_by_no_more(bell: Bell, destinations: Destinations) -> None:
    added, other = add(bell), add(bell, "Phone", "ntfy://x")
    bell.services.users.update(
        bell.uid, channels=(added.id,), fallback=("push", added.id, other.id)
    )
    destinations.remove(bell.uid, added.id)
    user = user_of(bell)
    assert ([one.id for one in user.destinations], user.channels) == ([other.id], ("email",))
    assert user.fallback == ("push", other.id)


def test_removing_twice_is_no_error(bell: Bell, destinations: Destinations) -> None:
    added = add(bell)
    destinations.remove(bell.uid, added.id)
    destinations.remove(bell.uid, added.id)


def test_one_that_was_switched_off_says_so_and_is_switched_on_again(
    bell: Bell, destinations: Destinations
) -> None:
    added, other = add(bell), add(bell, "Phone", "ntfy://x")
    off = bell.services.users.update(
        bell.uid, **switched_off(user_of(bell), added.id, "It answered 410.", bell.at)
    )
    assert "My program was switched off on 2 March 2026" in (off_because(off, added.id) or "")
    assert off_because(off, other.id) is None
    assert off.destination(added.id).off_because == "It answered 410."
    on = destinations.switch_on(bell.uid, added.id)
    assert (on.off_at, on.off_because) == (None, None)


def test_a_new_secret_replaces_the_old_one(bell: Bell, destinations: Destinations) -> None:
    added = add(bell)
    fresh = destinations.new_secret(bell.uid, added.id)
    assert fresh.secret != added.secret
    kept = bell.services.seal.open(user_of(bell).destinations[0])
    assert (kept.url, kept.secret) == (added.url, fresh.secret)
    with pytest.raises(InvalidInput):
        destinations.new_secret(bell.uid, add(bell, "Phone", "ntfy://x").id)


@pytest.mark.parametrize("what", ["rename", "switch_on", "new_secret"])
def test_what_is_not_there_cannot_be_changed(
    bell: Bell, destinations: Destinations, what: str
) -> None:
    more = ("x",) if what == "rename" else ()
    with pytest.raises(NotFound):
        getattr(destinations, what)(bell.uid, "d" + "0" * 26, *more)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://hooks.example.com:8443/T0/secret?key=1", "https://hooks.example.com:8443/…"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "Slack (slack://…)"),
        ("ntfys://user:password@ntfy.example/topic", "ntfy (ntfys://…)"),
    ],
)
def test_what_is_secret_in_an_address_is_never_shown(bell: Bell, url: str, seen: str) -> None:
    assert shown(add(bell, "It", url)) == seen


def test_an_address_that_is_allowed_no_more_is_shown_too() -> None:
    old = Destination(
        id="d" + "0" * 26,
        kind="apprise",
        name="x",
        url="gone://secret",
        added_at=MONDAY,
    )
    assert shown(old) == "gone://…"


def test_a_worker_sends_to_every_kind_of_destination(bell: Bell) -> None:
    user = bell.services.users.update(
        bell.uid, destinations=(add(bell), add(bell, "Phone", "ntfy://x"))
    )
    for one in user.destinations:
        channel = bell.parts.channels.find(user, one.id)
        assert channel is not None
        assert channel.absent_because(user, one.id) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" https://hooks.example.com ", "https://hooks.example.com"),
        ("HTTPS://Hooks.Example.com/A?b=c#d", "https://hooks.example.com/A?b=c"),
        ("https://müller.example/", "https://xn--mller-kva.example/"),
        ("https://8.8.8.8:8443/in", "https://8.8.8.8:8443/in"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ("https://hooks.example/ü", "https://hooks.example/%C3%BC"),
    ],
)
def test_an_https_address_may_be_a_webhook(text: str, kept: str) -> None:
    assert checked_webhook(text, NOBODY) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hooks.example.com",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://bell.localhost/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.8/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[fe80::1]/",
        "https://[::1",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:x/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/\r\nHost: other",
        "https://hooks.example.com/a b",
        f"https://hooks.example.com/{'x' * 2048}",
        f"https://{'x' * 300}.example/",
        "https://１２７.0.0.1/",
    ],
)
def test_what_is_no_public_https_address_is_no_webhook(text: str) -> None:
    with pytest.raises(InvalidInput) as error:
        checked_webhook(text, NOBODY)
    assert error.value.field == "url"


@pytest.mark.parametrize(
    "text", ["http://nas.local:8080/in", "https://10.0.0.8/in", "http://[fd00::8]:81/"]
)
def test_a_host_that_the_operator_allows_may_be_a_webhook(text: str) -> None:
    assert checked_webhook(text, allowed_hosts("nas.local:8080, 10.0.0.8, [fd00::8]:81")) == text


@pytest.mark.parametrize("scheme", sorted(SERVICES))
def test_the_services_that_go_through_the_guard_may_be_entered(scheme: str) -> None:
    assert checked_apprise(f"{scheme}://a/b/c?priority=1") == f"{scheme}://a/b/c?priority=1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "slack",
        "slack://",
        "://x",
        "mailto://user:password@example.com",
        "mailtos://user:password@example.com",
        "smpp://user:password@host",
        "mqtt://localhost/topic",
        "syslog://",
        "rsyslog://127.0.0.1",
        "dbus://",
        "gnome://",
        "macosx://",
        "windows://",
        "irc://irc.example.com/#channel",
        "xmpp://user:password@host",
        "smtp://127.0.0.1",
        "json://127.0.0.1:6379/",
        "jsons://hooks.example.com",
        "xml://127.0.0.1",
        "form://127.0.0.1",
        "apprise://127.0.0.1/token",
        "aprs://user:password@CALL",
        "file:///etc/passwd",
        "python://code.py",
        "https://hooks.slack.com/services/A/B/C",
        "slack://a/b/c discord://d/e",
        "slack://a/b/c\nX: y",
        "slack://a/b/c?template=file:///etc/passwd",
        "slack://a/b/c?TEMPLATE=/etc/passwd",
        "slack://a/b/c?%74emplate=/etc/passwd",
        "slack://a/b/c/#x?template=/etc/passwd",
        "slack://a/b/c?to=x;template=/etc/passwd",
        "slack://a/b/c?to=x?template=/etc/passwd",
        "slack://a/b/c?:name=value",
        "discord://a/b?avatar_url=http://127.0.0.1/",
        "ntfys://host/topic?attach=http://127.0.0.1/",
        "ntfys://host/topic?click=http://127.0.0.1/",
        "gotifys://host/token?verify=no",
        "gotifys://host/token?redirect=yes",
        "gotifys://host/token?rto=9999",
        "gotifys://host/token?retry=9",
        "gotifys://host/token?+X-Header=y",
        f"slack://{'x' * 2048}",
    ],
)
def test_what_does_not_go_through_the_guard_cannot_be_entered(text: str) -> None:
    with pytest.raises(InvalidInput) as error:
        checked_apprise(text)
    assert error.value.field == "url"


@given(st.text() | st.from_regex(r"https?://[^ ]{0,40}"))
def test_of_any_text_only_an_encrypted_address_becomes_a_webhook(text: str) -> None:
    try:
        url = checked_webhook(text, NOBODY)
    except InvalidInput:
        return
    assert url.startswith("https://")
    assert "@" not in url.partition("://")[2].partition("/")[0]
    assert checked_webhook(url, NOBODY) == url


@given(st.text() | st.from_regex(r"(slack|file|JSON)://[^ ]{0,40}"))
def test_of_any_text_only_an_address_of_a_known_service_is_kept(text: str) -> None:
    try:
        url = checked_apprise(text)
    except InvalidInput:
        return
    assert url.partition("://")[0] in SERVICES
    assert checked_apprise(url) == url


def test_the_page_on_chats_names_every_service_and_option() -> None:
    page = (Path(__file__).parents[2] / "docs" / "chats.md").read_text()
    for service in SERVICES.values():
        assert f"| {service.name} | `" in page
        assert all(f"`{part}`" in page for part in service.example.split(" or "))
    assert all(f"`{option}`" in page for option in OPTIONS)


def test_no_option_leads_to_a_file_or_another_address() -> None:
    dangerous = {"attach", "template", "verify", "avatar_url", "icon_url", "click", "url", "image"}
    assert not OPTIONS & dangerous
