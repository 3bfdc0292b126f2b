"""Whether the web process of this container answers: `python -m web.alive` (a health check)."""

import os
import sys
from http.client import HTTPConnection, HTTPException

PATIENCE_SECONDS = 4
# What is asked without this is led to the public https address.
_AS_A_PROXY = {"X-Forwarded-Proto": "https"}


def main() -> int:
    """0 if it answers, else 1 with the reason."""
    port = int(os.environ.get("PORT") or 5000)
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/health", headers=_AS_A_PROXY)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        print(f"Port {port} does not answer: {error}", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        connection.close()
    if status >= 500:
        print(f"Port {port} answers {status}.", file=sys.stderr)  # noqa: T201
    return 1 if status >= 500 else 0


if __name__ == "__main__":
    sys.exit(main())
