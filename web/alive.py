"""Whether the web process of this container answers: `python -m web.alive` (a health check)."""

import os
import sys
from http.client import HTTPException
from urllib.request import Request, urlopen

PATIENCE_SECONDS = 4


def main() -> int:
    """0 if it answers, else 1 with the reason."""
    address = f"http://127.0.0.1:{os.environ.get('PORT') or 5000}/health"
    # What is asked without this is led to the public https address.
    request = Request(address, headers={"X-Forwarded-Proto": "https"})
    try:
        with urlopen(request, timeout=PATIENCE_SECONDS):  # noqa: S310
            return 0
    except (OSError, HTTPException) as error:
        print(f"{address} does not answer: {error}", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main())
