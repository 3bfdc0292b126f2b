"""Refused by Google: the programs say it in one sentence with the remedy, as do the requests.

Google's side is servers on loopback that answer as its sign-in and Firestore are documented to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from tests.support import google_cloud
from tests.support.google_cloud import EmptyFirestore, SignIn
from tests.support.programs import FLASK, WEB, WORKER, Running, assert_says, begin, serving

COMPARE = [*FLASK, "store", "compare", "firestore:flock"]
SIGNED_WRONG = (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
NO_ACCOUNT = (
    400,
    {"error": "invalid_grant", "error_description": "Invalid grant: account not found"},
)
DISABLED = (
    401,
    {"error": "disabled_client", "error_description": "The OAuth client was disabled."},
)
WRONG_TIME = (
    400,
    {
        "error": "invalid_grant",
        "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and in a"
        " reasonable timeframe. Check your iat and exp values in the JWT claim.",
    },
)
AWAY = (503, {"error": "internal_failure", "error_description": "Backend error"})
REVOKED = "neither the key nor the account was revoked, disabled or deleted."
CLOCK = "this machine's clock is wrong. Set it (sudo timedatectl set-ntp true) and start again."


@dataclass(frozen=True)
class Cloud:
    """Google as the programs see it, and the settings that lead there."""

    sign_in: SignIn
    firestore: EmptyFirestore
    settings: dict[str, str]
    secret: str


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """A project whose Firestore is empty, reached with TLS and a service account's key."""
    credentials, public = google_cloud.certificate()
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(public)
    with (
        google_cloud.sign_in() as sign_in,
        google_cloud.firestore(credentials) as (firestore, address),
        google_cloud.proxy(address) as proxy,
    ):
        key, secret = google_cloud.service_account(sign_in.address)
        settings = {
            "FIREBASE_PROJECT_ID": "flock",
            "FIREBASE_CREDENTIALS_BASE64": key,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(trusted),
            "grpc_proxy": proxy,
        }
        yield Cloud(sign_in, firestore, settings, secret)


def assert_keeps_secrets(cloud: Cloud, text: str) -> None:
    for secret in (cloud.secret, cloud.settings["FIREBASE_CREDENTIALS_BASE64"][:60], "ya29."):
        assert secret not in text


# Credentials


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "codes", "answer", "words"),
    [
        (WORKER, (2,), SIGNED_WRONG, REVOKED),
        (WORKER, (2,), NO_ACCOUNT, REVOKED),
        (WORKER, (2,), DISABLED, REVOKED),
        (WORKER, (2,), WRONG_TIME, CLOCK),
        (WEB, (2, 4), NO_ACCOUNT, REVOKED),
        ([*COMPARE, "firestore:other"], (2,), SIGNED_WRONG, REVOKED),
        ([*COMPARE, "firestore:other"], (2,), AWAY, "sign-in did not answer. See that the network"),
    ],
)
def test_credentials_that_google_refuses_are_told_at_start(
    cloud: Cloud, command, codes, answer, words, tmp_path: Path
) -> None:
    cloud.sign_in.answer = answer
    run = begin(command, tmp_path, **cloud.settings)
    assert_says(run, codes, words)
    assert run.stderr.count(words) == 1
    assert cloud.sign_in.asked
    assert not cloud.firestore.seen
    assert_keeps_secrets(cloud, run.stdout + run.stderr)


@pytest.mark.slow
def test_credentials_revoked_while_the_site_runs_are_told_in_the_requests_and_the_log(
    cloud: Cloud, tmp_path: Path, redis, redis_url: str
) -> None:
    settings = cloud.settings | {"REDIS_URL": redis_url}
    with serving(tmp_path, tmp_path / "log", **settings) as site:
        assert site.ask_for_token().status_code == 401  # an empty store knows nobody
        assert cloud.firestore.seen[-1]["authorization"] == "Bearer ya29.a-secret-token"
        cloud.sign_in.answer = NO_ACCOUNT
        assert_waits(site, REVOKED)
        cloud.sign_in.answer = WRONG_TIME
        assert CLOCK in site.ready().json()["failing"]["store"]
        cloud.sign_in.answer = (200, google_cloud.TOKEN)
        assert site.ask_for_token().status_code == 401
        assert_keeps_secrets(cloud, site.said)


def assert_waits(site: Running, words: str) -> None:
    """A program and a browser are told to try later, whoever runs the site what to do."""
    problem, page, ready = site.ask_for_token(), site.sign_up("ada@example.com"), site.ready()
    assert (problem.status_code, problem.headers["Content-Type"]) == (
        503,
        "application/problem+json",
    )
    assert "cannot reach its data now. Try again soon." in problem.json()["detail"]
    assert page.status_code == 503
    assert "nothing you sent was half done" in page.text
    assert words in ready.json()["failing"]["store"]
    assert site.said.count(words) == 2
    assert "Traceback" not in site.said


# The project

NO_DATABASE = (
    grpc.StatusCode.NOT_FOUND,
    "The database (default) does not exist for project flock Please visit"
    " https://console.cloud.google.com/datastore/setup?project=flock to add a Cloud Datastore or"
    " Cloud Firestore database. ",
)
NO_PROJECT = (
    grpc.StatusCode.NOT_FOUND,
    "The project flock does not exist or it does not contain an active Cloud Datastore or Cloud"
    " Firestore database. Please visit http://console.cloud.google.com to create a project.",
)
OTHER_MODE = (
    grpc.StatusCode.FAILED_PRECONDITION,
    "The Cloud Firestore API is not available for Firestore in Datastore Mode database"
    " projects/flock/databases/(default).",
)
NO_API = (
    grpc.StatusCode.PERMISSION_DENIED,
    "Cloud Firestore API has not been used in project flock before or it is disabled. Enable it by"
    " visiting https://console.developers.google.com/apis/api/firestore.googleapis.com/overview"
    "?project=flock then retry.",
)
NO_ROLE = (grpc.StatusCode.PERMISSION_DENIED, "Missing or insufficient permissions.")
NO_TOKEN = (
    grpc.StatusCode.UNAUTHENTICATED,
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie"
    " or other valid authentication credential.",
)
NO_QUOTA = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded.")
NATIVE = "has a Firestore database in native mode with the name FIREBASE_DATABASE"
REFUSALS = [
    (NO_DATABASE, NATIVE),
    (NO_PROJECT, NATIVE),
    (OTHER_MODE, NATIVE),
    (NO_API, "Enable the Cloud Firestore API for FIREBASE_PROJECT_ID"),
    (NO_ROLE, "with the role Cloud Datastore User"),
    (NO_TOKEN, "with the role Cloud Datastore User"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "codes", "refusal", "words"),
    [
        *((WORKER, (2,), *refused) for refused in REFUSALS[2:4]),
        (WEB, (2, 4), *REFUSALS[0]),
        ([*COMPARE, "firestore:other"], (2,), *REFUSALS[0]),
    ],
)
def test_a_project_that_cannot_be_used_is_told_at_start(
    command, codes, refusal, words, tmp_path: Path
) -> None:
    with google_cloud.firestore() as (firestore, address):
        firestore.refusal = refusal
        run = begin(command, tmp_path, FIRESTORE_EMULATOR_HOST=address)
    assert_says(run, codes, words)
    assert run.stderr.count(words) == 1


@pytest.mark.slow
def test_a_project_that_becomes_unusable_is_told_in_the_requests_and_the_log(
    tmp_path: Path, redis, redis_url: str
) -> None:
    with google_cloud.firestore() as (firestore, address):
        settings = {"FIRESTORE_EMULATOR_HOST": address, "REDIS_URL": redis_url}
        with serving(tmp_path, tmp_path / "log", **settings) as site:
            assert site.ask_for_token().status_code == 401
            firestore.refusal = NO_DATABASE
            assert_waits(site, NATIVE)
            for firestore.refusal, words in [*REFUSALS, (NO_QUOTA, "quota is used up. Wait")]:
                assert words in site.ready().json()["failing"]["store"]
            firestore.refusal = None
            assert site.ready().status_code == 200
            assert "Traceback" not in site.said
