"""What production demands of the settings alone."""

import pytest

from config import Settings
from services.doctor.demands import look_at, weakness_of
from services.doctor.finding import Finding, faults

KEY = "q8Zr-V1m_Xw7KpT0aLsY3uNcEoJhGd5BfRi2Mn9x"
WELL: dict[str, object] = {
    "secret_key": KEY,
    "public_url": "https://bell.example",
    "proxy_hops": 1,
    "redis_url": "rediss://:pass@redis.example:6380/0",
    "smtp_url": "smtps://user:pass@mail.example",
    "mail_from": "Bellwether <bell@bell.example>",
    "quotes": "yahoo",
    "operator_email": "op@bell.example",
}


def findings(**changes: object) -> dict[str, Finding]:
    settings = Settings(_env_file=None, **{**WELL, **changes})  # type: ignore[arg-type]
    return {finding.about: finding for finding in look_at(settings)}


def test_settings_that_are_well_are_all_good() -> None:
    assert {finding.state for finding in findings().values()} == {"good"}


@pytest.mark.parametrize(
    ("about", "changes", "words"),
    [
        ("SECRET_KEY", {"secret_key": "short"}, "fewer than 32"),
        ("SECRET_KEY", {"secret_key": "changeme" * 6}, "placeholder"),
        ("SECRET_KEY", {"secret_key": "abcdef" * 8}, "repeats few"),
        ("SECRET_KEY", {"secret_key": f"{KEY},short"}, "number 2 of 2"),
        ("SECRET_KEY", {"secret_key": "", "firebase_project_id": "flock"}, "is not set"),
        ("FLASK_DEBUG", {"flask_debug": True}, "is on"),
        ("BELLWETHER_LOCAL", {"bellwether_local": True, "bellwether_env": "production"}, "is on"),
        ("PUBLIC_URL", {"public_url": ""}, "is not set"),
        ("PUBLIC_URL", {"public_url": "http://bell.example"}, "not https"),
        ("PUBLIC_URL", {"public_url": "https://"}, "not https"),
        ("REDIS_URL", {"redis_url": ""}, "is not set"),
        ("REDIS_URL", {"redis_url": "localhost:6379"}, "no address"),
        ("SMTP_URL", {"smtp_url": ""}, "is not set"),
        ("SMTP_URL", {"smtp_url": "mail.example:25"}, "no address"),
        ("FIREBASE_PROJECT_ID", {"firebase_credentials_base64": "e30="}, "SQLite"),
        ("FIRESTORE_EMULATOR_HOST", {"firestore_emulator_host": "127.0.0.1:8080"}, "forgets"),
        ("OPERATOR_URL", {"operator_url": "https://hush.example"}, "web address"),
        ("OPERATOR_URL", {"operator_url": "carrier://hush"}, "does not send by carrier"),
        ("OPERATOR_URL", {"operator_url": "slack://hush"}, "not a whole address of Slack"),
        ("OPERATOR_URL", {"operator_url": "ntfy://hush?verify=no"}, "option"),
    ],
)
def test_each_fault_is_told_with_its_remedy(
    about: str, changes: dict[str, object], words: str
) -> None:
    found = findings(**changes)[about]
    assert (found.state, words in found.says, bool(found.remedy)) == ("bad", True, True), found
    assert "hush" not in found.says


@pytest.mark.parametrize(
    ("about", "changes"),
    [
        ("PUBLIC_URL", {"proxy_hops": 0}),
        ("MAIL_FROM", {"mail_from": "Bellwether <bellwether@localhost>"}),
        ("QUOTES", {"quotes": "replay"}),
        ("OPERATOR_URL", {"operator_email": ""}),
    ],
)
def test_what_is_odd_but_can_be_is_doubtful(about: str, changes: dict[str, object]) -> None:
    assert findings(**changes)[about].state == "doubtful"


def test_an_address_of_the_operator_that_is_whole_is_good() -> None:
    assert findings(operator_url="ntfy://hush")["OPERATOR_URL"].says == "leads to ntfy."


def test_on_sqlite_bellwether_makes_its_own_key() -> None:
    assert findings(secret_key="")["SECRET_KEY"].state == "good"


def test_no_secret_is_told() -> None:
    settings = Settings(_env_file=None, **{**WELL, "secret_key": "hush"})  # type: ignore[arg-type]
    told = " ".join(f"{one.says} {one.remedy}" for one in look_at(settings))
    assert "hush" not in told
    assert "pass" not in told
    assert len(faults(look_at(settings))) == 1


@pytest.mark.parametrize(
    "key",
    [
        "fQ0u2mD3xjY8WJr6VhKZbT1nPc5aLsGe9oEwIiXqRkM",
        "5f1d0a9c3b7e4826d0c4f8a1b2937e65",
        "9b2e4f60-7c1a-4d83-a5e9-0f6b8d2c3714",
    ],
)
def test_random_keys_are_strong(key: str) -> None:
    assert weakness_of(key) == ""


@pytest.mark.parametrize(
    ("env", "local", "production"),
    [("", False, True), ("", True, False), ("development", False, False),
     ("production", True, True)],
)  # fmt: skip
def test_it_is_production_unless_said_otherwise(env: str, local: bool, production: bool) -> None:
    settings = Settings(_env_file=None, bellwether_env=env, bellwether_local=local)  # type: ignore[arg-type]
    assert settings.in_production is production
