"""A worker tells its numbers itself, where no web process stands beside it."""

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from config import Settings
from services.store.billing import Bill
from tests.support.redis_server import free_port
from workers.metrics import serve_metrics

pytestmark = pytest.mark.slow

TOKEN = "a token of some length"


def settings(**chosen: Any) -> Settings:
    return Settings(_env_file=None, metrics_port=free_port(), **chosen)


@pytest.fixture(params=["", TOKEN], ids=["open", "token"])
def served(request: pytest.FixtureRequest) -> Iterator[Settings]:
    """The settings of a worker that answers, without and with a token."""
    chosen = settings(metrics_token=request.param)
    server = serve_metrics(chosen)
    assert server
    yield chosen
    server.shutdown()
    server.server_close()


def ask(
    chosen: Settings, path: str = "/metrics", method: str = "GET", **headers: str
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", chosen.metrics_port, timeout=10)
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    connection.request(method, path, headers=names)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def knowing(chosen: Settings) -> dict[str, str]:
    token = chosen.metrics_token.get_secret_value()
    return {"Authorization": f"Bearer {token}"} if token else {}


def test_its_numbers_are_served(served: Settings) -> None:
    Bill().add("a worker", "read", 3)
    status, text = ask(served, **knowing(served))
    assert status == 200
    assert 'bellwether_store_documents_total{caller="a worker",operation="read"}' in text


def test_who_may_not_read_them_does_not(served: Settings) -> None:
    wanted = 401 if knowing(served) else 404
    status, text = ask(served, X_Forwarded_For="127.0.0.1", Authorization="Bearer wrong")
    assert status == wanted
    assert "bellwether" not in text


def test_there_is_nothing_else_and_nothing_to_send(served: Settings) -> None:
    assert ask(served, "/", **knowing(served))[0] == 404
    assert ask(served, method="POST", **knowing(served))[0] == 405


def test_without_a_token_only_loopback_can_connect() -> None:
    server = serve_metrics(settings())
    assert server
    server.shutdown()
    server.server_close()
    assert server.server_address[0] == "127.0.0.1"


def test_without_a_port_nothing_is_served() -> None:
    assert serve_metrics(Settings(_env_file=None)) is None


def test_a_second_worker_of_a_machine_works_without(
    served: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert serve_metrics(served) is None
    assert "METRICS_PORT" in caplog.text
