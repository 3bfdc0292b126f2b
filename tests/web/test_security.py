"""What the site says to browsers, whom it believes, and under which names it answers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import request
from redis import Redis

from services.store.contract import Store
from tests.support.web import Site, make_site
from tests.web.conftest import Reader, signed_in

Make = Callable[..., Site]
PUBLIC = "https://bell.example.com"


@pytest.fixture
def make(chosen_store: Store, redis: Redis, redis_url: str, tmp_path: Path) -> Make:
    """Makes a site with other settings."""
    return lambda **more: make_site(chosen_store, redis, redis_url, tmp_path, **more)


def test_pages_run_no_script_and_no_style_but_the_site_s_files(anybody: Reader) -> None:
    policy = anybody.get("/sign-in").headers["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == parts["frame-ancestors"] == parts["base-uri"] == "'none'"
    assert parts["script-src"] == parts["style-src"] == parts["form-action"] == "'self'"
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("path", ["/sign-in", "/health", "/favicon.ico", "/api/v1/alerts", "/no"])
def test_every_answer_keeps_other_sites_out(anybody: Reader, path: str) -> None:
    headers = anybody.get(path).headers
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_over_https_browsers_come_back_by_https_only(make: Make) -> None:
    client = make(public_url=PUBLIC).app.test_client()
    answer = client.get("/sign-in", base_url=PUBLIC)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31556926")


def test_over_plain_http_people_are_sent_to_https_and_probes_are_not(make: Make) -> None:
    client = make(public_url=PUBLIC).app.test_client()
    answer = client.get("/sign-in?next=/alerts", base_url="http://bell.example.com")
    assert answer.status_code == 302
    assert answer.location == "https://bell.example.com/sign-in?next=/alerts"
    assert client.get("/health", base_url="http://10.0.0.7:5000").status_code == 200


def test_over_https_every_cookie_is_for_this_host_and_its_server_alone(make: Make) -> None:
    client = make(public_url=PUBLIC).app.test_client()
    client.get("/sign-in", base_url=PUBLIC)
    client.post("/theme", base_url=PUBLIC, data={"theme": "dark"})
    cookies = client.get("/sign-in", base_url=PUBLIC).headers.getlist("Set-Cookie")
    cookies += client.post("/theme", base_url=PUBLIC, data={"theme": "dark"}).headers.getlist(
        "Set-Cookie"
    )
    cookies += (
        make(public_url=PUBLIC)
        .app.test_client()
        .get("/sign-in", base_url=PUBLIC)
        .headers.getlist("Set-Cookie")
    )
    assert any(cookie.startswith("__Host-session=") for cookie in cookies)
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert "Domain=" not in cookie


def test_signing_in_gives_the_session_a_new_id(site: Site, anybody: Reader) -> None:
    site.services.accounts.create_confirmed(anybody.email, "correct horse battery", site.at)
    anybody.get("/sign-in")
    before = anybody.client.get_cookie("session")
    anybody.sign_in()
    after = anybody.client.get_cookie("session")
    assert before
    assert after
    assert before.value != after.value
    assert not site.services.redis.exists(f"session:{before.value}")


def test_a_new_password_gives_the_session_a_new_id(ada: Reader) -> None:
    before = ada.client.get_cookie("session")
    ada.send("/account/password", present="correct horse battery", password="a newer password")
    after = ada.client.get_cookie("session")
    assert before
    assert after
    assert before.value != after.value
    assert "ada@example.com" in ada.page("/account")


FORGED = {
    "X-Forwarded-For": "6.6.6.6, 7.7.7.7, 203.0.113.9",
    "X-Forwarded-Proto": "https, http, https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
}


@pytest.mark.parametrize(
    ("hops", "seen"),
    [
        (0, ("127.0.0.1", "http")),
        (1, ("203.0.113.9", "https")),
        (2, ("7.7.7.7", "http")),
    ],
)
def test_only_as_many_proxies_are_believed_as_are_configured(
    make: Make, hops: int, seen: tuple[str, str]
) -> None:
    app = make(proxy_hops=hops).app
    noted = []
    app.before_request(
        lambda: noted.append(
            (request.remote_addr, request.scheme, request.host, request.script_root)
        )
    )
    app.test_client().get("/health", headers=FORGED)
    assert noted == [(*seen, "localhost", "")]


def test_behind_fewer_proxies_than_configured_nothing_is_believed(make: Make) -> None:
    app = make(proxy_hops=2).app
    noted = []
    app.before_request(lambda: noted.append(request.remote_addr))
    app.test_client().get("/health", headers={"X-Forwarded-For": "6.6.6.6"})
    assert noted == ["127.0.0.1"]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "bell.example.com.evil.example", "evil.example:443", "a@b", "", "[::2]"],
)
def test_under_another_name_there_is_nothing(make: Make, host: str) -> None:
    client = make(public_url=PUBLIC).app.test_client()
    answer = client.post(
        "/forgot", base_url=PUBLIC, headers={"Host": host}, data={"email": "ada@example.com"}
    )
    assert answer.status_code == 400
    assert "evil" not in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("host", ["bell.example.com", "BELL.example.com:8443", "[::1]:5000"])
def test_under_its_own_names_the_site_answers(make: Make, host: str) -> None:
    client = make(public_url=PUBLIC).app.test_client()
    answer = client.get("/sign-in", base_url=PUBLIC, headers={"Host": host})
    assert answer.status_code == 200


def test_on_one_machine_no_name_of_the_web_leads_to_the_site(make: Make) -> None:
    client = make(bellwether_local=True).app.test_client()
    assert client.get("/sign-in", headers={"Host": "127.0.0.1:5000"}).status_code == 200
    assert client.get("/sign-in", headers={"Host": "rebound.example:5000"}).status_code == 400


def test_a_request_of_more_than_256_kilobytes_is_refused(ada: Reader) -> None:
    answer = ada.client.post("/sign-in", data={"email": "x" * (256 * 1024 + 1)})
    assert answer.status_code == 413


def test_the_pages_of_no_other_site_may_use_the_api_unless_configured(ada: Reader) -> None:
    answer = ada.get("/api/v1/alerts", headers={"Origin": "https://app.example"})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def preflight(site: Site, origin: str, path: str = "/api/v1/alerts") -> dict[str, str]:
    answer = site.app.test_client().options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )
    return dict(answer.headers) | {"status": str(answer.status_code)}


def test_a_preflight_of_a_configured_origin_is_answered_without_a_token(make: Make) -> None:
    said = preflight(make(cors_origins="https://app.example"), "https://app.example")
    assert said["status"] == "200"
    assert said["Access-Control-Allow-Origin"] == "https://app.example"
    assert "POST" in said["Access-Control-Allow-Methods"]
    assert said["Access-Control-Allow-Headers"] == "authorization, content-type"
    assert "Access-Control-Allow-Credentials" not in said


def test_other_origins_are_told_nothing(make: Make) -> None:
    site = make(cors_origins="https://app.example")
    for origin in ("https://evil.example", "https://app.example.evil.example", "null"):
        assert "Access-Control-Allow-Origin" not in preflight(site, origin)


def test_pages_are_for_no_other_origin_whatever_is_configured(make: Make) -> None:
    site = make(cors_origins="*")
    assert "Access-Control-Allow-Origin" not in preflight(site, "https://app.example", "/account")


def test_any_origin_may_be_allowed_but_never_with_cookies(make: Make) -> None:
    site = make(cors_origins="*")
    person = site.person()
    answer = person.get("/alerts", headers={"Origin": "https://app.example"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_what_was_signed_in_elsewhere_is_not_signed_in_here(site: Site) -> None:
    reader = signed_in(site, "ada@example.com")
    assert "ada@example.com" in reader.page("/account")
    assert "ada@example.com" not in Reader(site, site.app.test_client()).page("/account")
