"""deploy/nginx/bellwether.conf in a real nginx, before a real gunicorn."""

import gzip
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import Redis

from services.market.cache import QuoteCache
from tests.support.market import make_quote
from tests.support.nginx import Nginx, command, needs_nginx, prepare, run_nginx
from tests.support.programs import PASSWORD, ROOT, WEB, running
from tests.support.redis_server import free_port
from tests.support.streams import Listener

pytestmark = [pytest.mark.slow, needs_nginx]
SOON = 2.0


@dataclass(frozen=True)
class Site:
    nginx: Nginx
    static: Path
    redis: Redis


@pytest.fixture(scope="module")
def site(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, upstream = tmp_path_factory.mktemp("site"), free_port()
    static = folder / "static"
    shutil.copytree(ROOT / "static", static)
    (folder / "nginx").mkdir()
    with run_nginx(folder / "nginx", upstream, static) as nginx:
        told = {
            "PORT": str(upstream),
            "PUBLIC_URL": nginx.address,
            "PROXY_HOPS": "1",
            "REDIS_URL": redis_url,
        }
        with running(WEB, folder / "data", folder / "log", **told):
            deadline = time.monotonic() + 60
            while nginx.get("/health").status_code != 200:
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.1)
            yield Site(nginx, static, Redis.from_url(redis_url, protocol=2))


def test_nginx_finds_no_fault(tmp_path: Path) -> None:
    checked = subprocess.run(
        command(prepare(tmp_path, free_port(), tmp_path), "-t"), capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr
    # From 1.25 on nginx would have it said in another way, which older ones do not know.
    assert [
        one for one in checked.stderr.splitlines() if "[warn]" in one and "http2" not in one
    ] == []


def test_plain_http_is_led_to_https(site: Site) -> None:
    answer = requests.get(
        f"http://localhost:{site.nginx.plain}/sign-in?next=a", allow_redirects=False, timeout=30
    )
    assert answer.status_code == 308
    assert answer.headers["Location"] == "https://localhost/sign-in?next=a"


def test_browsers_are_offered_http_2_and_no_old_tls(site: Site) -> None:
    trust = site.nginx.trust
    trust.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", site.nginx.port)) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        assert tls.selected_alpn_protocol() == "h2"
    old = site.nginx.trust
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", site.nginx.port)) as plain,
        pytest.raises(ssl.SSLError),
    ):
        old.wrap_socket(plain, server_hostname="localhost")


def test_a_page_comes_packed_through_both_with_its_headers(site: Site) -> None:
    page = site.nginx.get("/sign-in")
    assert page.status_code == 200
    assert "csrf_token" in page.text
    assert page.headers["Content-Encoding"] == "gzip"
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "Secure" in page.headers["Set-Cookie"]
    assert "__Host-" in page.headers["Set-Cookie"]
    assert page.headers["Server"] == "nginx"


def test_files_come_from_nginx_and_are_kept_for_good(site: Site) -> None:
    # This file is nginx's alone, so that only nginx can have sent it.
    (site.static / "js" / "only-here.js").write_text("1;")
    answer = site.nginx.get("/assets/0123456789ab/js/only-here.js")
    assert answer.text == "1;"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_a_packed_neighbour_is_sent_as_it_is(site: Site) -> None:
    (site.static / "js" / "app.js.gz").write_bytes(gzip.compress(b"packed beforehand;"))
    answer = site.nginx.get("/assets/0123456789ab/js/app.js")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.text == "packed beforehand;"


def test_every_asset_of_a_page_is_found(site: Site) -> None:
    paths = set(re.findall(r'"(/assets/[^"]+)"', site.nginx.get("/sign-in").text))
    assert any("site.css" in path for path in paths), "made by the app out of several files"
    assert {path: site.nginx.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


def test_nothing_beside_the_static_files_is_served(site: Site) -> None:
    for path in ("/assets/0/../../data/secret_key", "/assets/0/%2e%2e/data/secret_key"):
        with socket.create_connection(("127.0.0.1", site.nginx.port)) as plain:
            tls = site.nginx.trust.wrap_socket(plain, server_hostname="localhost")
            asked = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            tls.sendall(asked.encode())
            assert tls.makefile("rb").readline().split()[1] in (b"400", b"404")


def test_metrics_are_not_for_the_world(site: Site) -> None:
    assert site.nginx.get("/metrics").status_code == 404


def test_a_body_that_is_too_large_is_refused(site: Site) -> None:
    answer = requests.post(
        f"{site.nginx.address}/api/v1/tokens",
        data=b" " * 600_000,
        verify=site.nginx.certificate,
        timeout=30,
    )
    assert answer.status_code == 413


# The stream of news


def signed_in(site: Site) -> str:
    """The cookie of somebody who has signed up and in, by the forms of the pages."""
    with requests.Session() as browser:
        for path in ("/sign-up", "/sign-in"):
            address, trusted = site.nginx.address + path, site.nginx.certificate
            page = browser.get(address, verify=trusted, timeout=30)
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
            assert token, page.text
            fields = {"csrf_token": token[1], "email": "ada@example.com", "password": PASSWORD}
            browser.post(
                address, data=fields, headers={"Referer": address}, verify=trusted, timeout=30
            )
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


def put(redis: Redis, price: float) -> None:
    moment = datetime.now(UTC)
    quote = make_quote(price=price, as_of=moment, fetched_at=moment)
    QuoteCache(redis).put({"AAPL": quote}, (), timedelta(minutes=5), moment)


def listen(site: Site, cookie: str) -> Listener:
    plain = socket.create_connection(("127.0.0.1", site.nginx.port), 30)
    tls = site.nginx.trust.wrap_socket(plain, server_hostname="localhost")
    head = (
        f"GET /live?symbols=AAPL HTTP/1.1\r\nHost: localhost:{site.nginx.port}\r\n"
        f"Accept: text/event-stream\r\nAccept-Encoding: gzip\r\nCookie: {cookie}\r\n\r\n"
    )
    tls.sendall(head.encode())
    listener = Listener(tls)
    listener.read_head()
    return listener


def test_news_arrive_at_once_while_the_answer_goes_on(site: Site) -> None:
    put(site.redis, 100.0)
    stream = listen(site, signed_in(site))
    assert "200 OK" in stream.head, stream.head
    assert "text/event-stream" in stream.head
    assert "Content-Encoding" not in stream.head
    assert stream.quotes()["AAPL"]["price"] == 100.0
    for price in (101.0, 102.0, 103.0):
        begun = datetime.now(UTC)
        put(site.redis, price)
        assert stream.quotes()["AAPL"]["price"] == price
        assert datetime.now(UTC) - begun < timedelta(seconds=SOON)
    # It has not ended: nothing comes, and no end of the stream.
    stream.end.settimeout(0.2)
    with pytest.raises(TimeoutError):
        stream.end.recv(1)
    stream.close()


# What the app is told of the client


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Nginx]:
    """nginx before a server that says which headers it was sent."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(dict(self.headers)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as echo:
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        with run_nginx(tmp_path, echo.server_port, tmp_path) as nginx:
            yield nginx
        echo.shutdown()


@pytest.mark.parametrize("path", ["/", "/live"])
def test_what_a_client_says_of_itself_is_not_passed_on(told: Nginx, path: str) -> None:
    lies = {
        "X-Forwarded-For": "10.1.2.3",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=10.1.2.3",
        "Proxy": "http://evil.example",
    }
    heard = told.get(path, headers=lies).json()
    assert heard["X-Forwarded-For"] == "127.0.0.1"
    assert heard["X-Forwarded-Proto"] == "https"
    assert heard["Host"] == f"localhost:{told.port}"
    assert not {"X-Forwarded-Host", "X-Forwarded-Prefix", "Forwarded", "Proxy"} & set(heard)


def test_who_asks_too_fast_is_told_so(told: Nginx) -> None:
    with requests.Session() as fast:
        ask = partial(fast.get, told.address, verify=told.certificate, timeout=30)
        answers = {ask().status_code for _ in range(400)}
    assert answers == {200, 429}
