"""What no log line tells, whatever is fed into it."""

import time

import pytest

from config import Settings
from services.logs.redaction import LEFT_OUT, Redaction, redaction_of

ADA = "01JA2B3C4D5E6F7G8H9JAKBMCN"
REDACTION = Redaction("a key", ["hunter2-hunter2"])


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("sent to ada@example.com", "ada@example.com"),
        ("sent to <Ada.Lovelace+x@mail.example.co.uk>", "Lovelace"),
        ("an address of ädä@exämple.de", "exämple"),
        ("POST https://hooks.slack.com/services/T0/B0/xyz failed", "services/T0"),
        ("tgram://123456:ABC/4711", "123456"),
        ("HTTPS://HOOKS.EXAMPLE/secret", "secret"),
        ("redis://:hunter@10.0.0.5:6379/0 is away", "hunter"),
        ("https://ada:pw@localhost:5000", "pw"),
        ("http://localhost:5000/confirm/secret", "confirm"),
        ("Max retries exceeded with url: /services/T0/B0/xyz (Caused by x)", "T0"),
        ("Authorization: Bearer abcdefghij", "abcdefghij"),
        ("'Authorization': 'Basic YWRhOnB3YWRh'", "YWRhOnB3YWRh"),
        ("Cookie: session=abc; theme=dark", "abc"),
        ("password=swordfish", "swordfish"),
        ('{"password": "two words", "x": 1}', "two words"),
        ("api_key: 0123456789abcdef0123456789abcdef", "0123456789"),
        ("X-Api-Key=0123456789abcdef", "0123456789"),
        ("token = 'it is a secret'", "a secret"),
        ("GET /?csrf_token=zzz&x=1", "zzz"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWI.dBjftJeZ4CVP-mB92K27uhbUJU1p1r", "dBjft"),
        (f"bw.{ADA}.kV3x8Qz1LmN7pR5tW9yB2cD4fG6hJ8kL0nP", "kV3x8Q"),
        ("a key kV3x8Qz1LmN7pR5tW9yB2c stands alone", "kV3x"),
        ("it is hunter2-hunter2.", "hunter2"),
        (f"deliver-{ADA}-email", ADA),
    ],
)
def test_secrets_and_addresses_are_left_out(said: str, secret: str) -> None:
    assert secret not in REDACTION.text(said)
    assert secret not in str(REDACTION.value("event", {"within": [said]}))


@pytest.mark.parametrize(
    "said",
    [
        "Checked 3 symbols: 1 alerts came true, 1 recorded, 0 symbols unseen, 0 asleep",
        "Listening at: http://127.0.0.1:5000 (42)",
        "Error 111 connecting to 127.0.0.1:6379. Connection refused.",
        "workers.jobs.check_shard(0, 1)",
        "check-0-of-1-9f86d081",
        "4d0c1a52-7ad0-4f5c-9ef0-0d5a4d7c9b11",
        "GET /watchlists/<list_id>: the store does not answer",
    ],
)
def test_what_an_operator_needs_stays(said: str) -> None:
    assert REDACTION.text(said) == said


def test_the_same_person_has_the_same_short_name_that_only_the_key_gives() -> None:
    name = REDACTION.short_name(ADA)
    assert REDACTION.value("user", ADA) == name
    assert REDACTION.text(f"Trigger {ADA}-3") == f"Trigger {name}-3"
    assert Redaction("another key").short_name(ADA) != name


def test_a_field_whose_name_says_that_it_is_secret_is_left_out() -> None:
    for name in ("password", "api_key", "refresh_token", "Authorization", "Cookie"):
        assert REDACTION.value(name, "anything") == LEFT_OUT


def test_all_secrets_of_the_settings_are_known() -> None:
    settings = Settings(
        _env_file=None,
        secret_key="signing-key, older-key",
        smtp_url="smtp://ada:mail-pass@mail.example:587",
        redis_url="rediss://:red-pass@redis.example:6380",
        news_api_key="news key",
        metrics_token="metrics token of length",  # type: ignore[arg-type]
    )
    redaction = redaction_of(settings)
    for secret in (
        "signing-key",
        "older-key",
        "mail-pass",
        "red-pass",
        "news key",
        "metrics token of length",
    ):
        assert secret not in redaction.text(f"here: {secret}!")


@pytest.mark.parametrize(
    "hostile",
    ["a" * 10**6, "a." * 10**6, "a://" * 10**5, "@" * 10**6, "token" * 10**5, "-_" * 10**6],
)
def test_no_text_takes_long(hostile: str) -> None:
    begun = time.process_time()
    assert len(REDACTION.text(hostile)) <= 20_000
    assert time.process_time() - begun < 2
