import os
import socket

import pytest

from local.errors import CannotStart
from local.ports import free_port, require_free


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_in_use_is_told_with_the_remedy(host: str) -> None:
    with socket.socket() as other:
        other.bind((host, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port} is in use.* make run PORT={port + 1}"):
            require_free(port)


def test_a_port_that_is_bound_but_not_yet_listened_on_is_in_use() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(CannotStart, match="in use"):
            require_free(other.getsockname()[1])


def test_a_free_port_is_taken() -> None:
    require_free(free_port())


def test_a_port_whose_last_connection_lingers_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()  # the side that closes first is left in TIME_WAIT
        client.close()
    require_free(port)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may bind every port")
def test_a_port_for_the_administrator_is_told() -> None:
    with pytest.raises(CannotStart, match="administrator"):
        require_free(81)
