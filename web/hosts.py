"""Under which names the site answers: what a request calls it ends up in links and redirects."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wrappers import Response

from config import Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PROBES = ("/health", "/ready", "/metrics")
"""What balancers and monitors ask by a container's address. They answer with no link."""
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def own_hosts(settings: Settings) -> frozenset[str]:
    """The names under which the site answers, without ports; empty: under any.

    On one machine they are its loopback, so that no page of the web gets at it under a name of
    its own that leads there (DNS rebinding).
    """
    if settings.public_url:
        public = urlsplit(settings.public_url).hostname
        return LOOPBACK | {public} if public else frozenset()
    return LOOPBACK if settings.bellwether_local else frozenset()


class OwnHosts:
    """Answers 400 to requests for other hosts, before anything else looks at them."""

    def __init__(self, application: Application, hosts: frozenset[str]) -> None:
        self._application = application
        self._hosts = hosts

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ["PATH_INFO"] in PROBES or self._is_own(environ.get("HTTP_HOST", "")):
            return self._application(environ, start_response)
        answer = Response("Bellwether does not answer under this name.\n", 400)
        return answer(environ, start_response)

    def _is_own(self, host: str) -> bool:
        return host_is_trusted(host) and urlsplit(f"//{host}").hostname in self._hosts
