"""What `make demo` finds ready: a user, a watchlist, and alerts about to ring.

`python -m local.demo` makes them in a running Bellwether: the user, whose address counts as
confirmed, directly, and the rest over the API, as any program would.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from config import Settings, load_settings
from local.demo_user import EMAIL, demo_password
from services.container import Services, open_services
from workers.queues import RqJobs

SYMBOLS = ("AAPL", "MSFT", "IBM")
DISTANCES = (0.003, 0.03)
"""How far from the present price the alerts are set: a replayed day moves some per cent, so
that the near ones ring within a minute and the far ones later."""
_QUOTE_SECONDS = 20.0


class DemoFailed(Exception):
    """The API refused something, or had no quotes in time; the message says what."""


@dataclass
class Api:
    """The JSON API at `address`, with the demo user's token once it is known."""

    address: str
    session: requests.Session = field(default_factory=requests.Session)

    def sign_in(self, email: str, password: str) -> None:
        token = self.post("/tokens", {"email": email, "password": password})["token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **parameters: str) -> Any:
        return self._ask("GET", path, params=parameters)

    def post(self, path: str, body: object) -> Any:
        return self._ask("POST", path, json=body)

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        url = f"{self.address}/api/v1{path}"
        answer = self.session.request(method, url, timeout=10, **options)
        if not answer.ok:
            raise DemoFailed(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None


def seed(services: Services, password: str, now: datetime) -> str:
    """Make the demo user unless it exists; returns its uid."""
    return services.accounts.create_confirmed(EMAIL, password, now)


def watch(api: Api, symbols: Sequence[str]) -> None:
    """Put those of `symbols` on the first watchlist that are not there."""
    watchlist = api.get("/watchlists")["items"][0]
    watched = {entry["symbol"] for entry in watchlist["symbols"]}
    for symbol in symbols:
        if symbol not in watched:
            api.post(f"/watchlists/{watchlist['id']}/symbols", {"symbol": symbol})


def prices(api: Api, symbols: Sequence[str], patience: float = _QUOTE_SECONDS) -> dict[str, float]:
    """The present price of every symbol; a cold one is fetched by a worker first.

    Raises DemoFailed when some are missing after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        items = api.get("/quotes", symbols=",".join(symbols))["items"]
        known = {item["symbol"]: item["price"] for item in items}
        if known.keys() >= set(symbols):
            return known
        if time.monotonic() > deadline:
            raise DemoFailed(f"no quotes of {', '.join(sorted(set(symbols) - known.keys()))}")
        time.sleep(0.5)


def alerts_around(symbol: str, price: float) -> Iterator[dict[str, object]]:
    """Alerts a little and some more above and below `price`."""
    for distance in DISTANCES:
        yield _alert(symbol, "price_rises_to", price * (1 + distance))
        yield _alert(symbol, "price_falls_to", price * (1 - distance))


def _alert(symbol: str, kind: str, level: float) -> dict[str, object]:
    return {
        "symbol": symbol,
        "condition": {"kind": kind, "level": round(level, 2)},
        "frequency": "once",
        "note": "Set by the demo",
        "if_true": "wait",
    }


def main(settings: Settings, now: datetime) -> int:
    password = demo_password(settings.signing_key())
    seed(open_services(settings, RqJobs), password, now)
    api = Api(f"http://127.0.0.1:{settings.port}")
    try:
        api.sign_in(EMAIL, password)
        present = prices(api, SYMBOLS)
        watch(api, SYMBOLS)
        armed = {a["symbol"] for a in api.get("/alerts")["items"] if a["state"] == "armed"}
        for symbol in SYMBOLS if len(armed) < len(SYMBOLS) else ():
            for alert in alerts_around(symbol, present[symbol]):
                api.post("/alerts", alert)
    except (DemoFailed, requests.RequestException) as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(load_settings(), datetime.now(UTC)))
