"""Taking one's data away, and leaving, as people and programs do it."""

import csv
import hashlib
import io
import json
import zipfile
from typing import Any

import pytest
from werkzeug.test import TestResponse

from services.accounts import own_records
from services.accounts.leaving import Leaving
from services.store.contract import Set
from services.store.users import Destination
from tests.support.web import FAST_PASSWORDS, PASSWORD, Person, Site
from tests.web.conftest import Reader

SECRETS = ("argon2", "hook-secret", "hidden-path", "p256dh-of-phone", "auth-of-phone", "t" * 64)


@pytest.fixture(autouse=True)
def leaving(site: Site) -> Leaving:
    """Passwords of tests are checked with their own cost."""
    s = site.services
    leaving = Leaving(s.store, s.jobs, FAST_PASSWORDS)
    s.__dict__["leaving"] = leaving
    return leaving


def full(site: Site, uid: str) -> None:
    """Somebody with something of every kind, secrets among it."""
    hook = Destination(
        id="d" + "0" * 26,
        kind="webhook",
        name="My hook",
        url="https://example.org/hidden-path",
        secret="hook-secret",
        added_at=site.at,
    )
    site.services.users.update(uid, destinations=(hook,))
    below = f"users/{uid}"
    site.services.store.write(
        Set(
            f"{below}/watchlist/W",
            {
                "name": "=HYPERLINK(1)",
                "position": 0,
                "entries": [{"symbol": "AAPL", "added_at": site.at, "note": "größer"}],
                "created_at": site.at,
            },
        ),
        Set(
            f"{below}/devices/D",
            {
                "kind": "webpush",
                "name": "phone",
                "endpoint": "https://push.example/hidden-path",
                "p256dh": "p256dh-of-phone",
                "auth": "auth-of-phone",
                "created_at": site.at,
            },
        ),
        Set(f"{below}/tokens/{'t' * 64}", {"created_at": site.at, "auth_epoch": 1}),
        Set(f"{below}/triggers/T-1", {"symbol": "AAPL", "value": 1.5, "condition": {"kind": "x"}}),
    )


def files(answer: TestResponse) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_holds_every_kind_of_record(site: Site, ada: Reader) -> None:
    full(site, ada.uid)
    ada.alert(note="watch it")
    answer = ada.get("/account/data/export.zip")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=bellwether-20")
    found = files(answer)
    account: dict[str, Any] = json.loads(found["account.json"])
    assert (account["email"], account["time_zone"]) == (ada.email, "UTC")
    assert account["destinations"][0]["leads_to"] == "https://example.org/…"
    assert {one["name"] for one in json.loads(found["watchlists.json"])} >= {"=HYPERLINK(1)"}
    (alert,) = json.loads(found["alerts.json"])
    assert (alert["condition"]["kind"], alert["condition"]["level"]) == ("price_rises_to", 150.0)
    (row,) = rows(found["alerts.csv"])
    assert (row["symbol"], row["condition.kind"]) == ("AAPL", "price_rises_to")
    assert row["note"] == "watch it"
    (trigger,) = rows(found["triggers.csv"])
    assert (trigger["id"], trigger["value"], trigger["condition.kind"]) == ("T-1", "1.5", "x")
    assert json.loads(found["devices.json"])[0]["name"] == "phone"
    assert len(json.loads(found["tokens.json"])) == 1
    assert json.loads(found["security_events.json"]) is not None
    entry = next(row for row in rows(found["watchlists.csv"]) if row["note"] == "größer")
    assert entry["list"] == "'=HYPERLINK(1)"


def test_no_secret_is_in_the_file(site: Site, ada: Reader) -> None:
    full(site, ada.uid)
    text = "".join(files(ada.get("/account/data/export.zip")).values())
    assert [secret for secret in SECRETS if secret in text] == []


def test_nothing_of_others_is_in_the_file(site: Site, ada: Reader, bob: Reader) -> None:
    full(site, bob.uid)
    text = "".join(files(ada.get("/account/data/export.zip")).values())
    assert bob.email not in text
    assert "HYPERLINK" not in text


def test_a_program_gets_the_same_file(site: Site, person: Person) -> None:
    full(site, person.uid)
    answer = person.get("/export")
    assert answer.content_type == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert json.loads(files(answer)["account.json"])["email"] == person.email


def test_the_file_is_sent_as_it_is_made(
    site: Site, ada: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_records, "PIECE", 4_096)
    store, below = site.services.store, f"users/{ada.uid}/triggers"
    notes = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(1_000)]
    for start in (0, 500):
        some = enumerate(notes[start : start + 500], start)
        store.write(*(Set(f"{below}/T{number}", {"note": note}) for number, note in some))
    pieces = list(own_records.archive(store, ada.uid, site.at))
    assert len(pieces) > 3
    assert max(map(len, pieces)) < 40_000  # of 90,000
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert len(json.loads(archive.read("triggers.json"))) == 1_000


def test_only_who_is_signed_in_gets_a_file(anybody: Reader) -> None:
    assert anybody.get("/account/data").status_code == 302
    assert anybody.get("/account/data/export.zip").status_code == 302
    assert anybody.get("/api/v1/export").status_code == 401


def test_files_are_counted(ada: Reader) -> None:
    statuses = [ada.get("/account/data/export.zip").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


def test_the_account_page_leads_to_the_data(ada: Reader) -> None:
    assert "/account/data" in ada.get("/account").text
    page = ada.page("/account/data")
    assert "Nobody can undo this" in page
    assert ada.email in page


def test_who_leaves_is_signed_out_everywhere_at_once(site: Site, ada: Reader, bob: Reader) -> None:
    elsewhere = Reader(site, site.app.test_client(), ada.email)
    elsewhere.sign_in()
    token = site.services.accounts.create_token(ada.email, PASSWORD, site.at)
    answer = ada.send("/account/data/delete", password=PASSWORD)
    assert answer.status_code == 302
    assert "Your account is deleted" in ada.page("/")
    assert ada.get("/account").status_code == 302
    assert elsewhere.get("/account").status_code == 302
    bearer = {"Authorization": f"Bearer {token}"}
    assert ada.get("/api/v1/watchlists", headers=bearer).status_code == 401
    ada.uid = ""
    assert ada.sign_in().status_code != 302
    assert len(site.jobs.erased) == 1
    assert bob.get("/account").status_code == 200


def test_a_wrong_password_deletes_nothing(ada: Reader, site: Site) -> None:
    answer = ada.send("/account/data/delete", password="something else")
    assert answer.status_code == 422
    assert "not your present password" in answer.text
    assert ada.get("/account").status_code == 200
    assert site.jobs.erased == []


def test_leaving_needs_the_form_s_token(ada: Reader, site: Site) -> None:
    answer = ada.client.post("/account/data/delete", data={"password": PASSWORD})
    assert answer.status_code in (400, 403, 419)
    assert site.jobs.erased == []


def test_guessing_the_password_there_is_limited(ada: Reader) -> None:
    statuses = [
        ada.send("/account/data/delete", password=f"guess {number}").status_code
        for number in range(11)
    ]
    assert statuses[-1] == 429
