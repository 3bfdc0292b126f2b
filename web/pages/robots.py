"""What search engines are asked to leave alone: links that mean one person, and what programs ask.

Pages of people are not named: whoever is not signed in is sent away from them.
"""

from flask import Blueprint, Response

LEFT_ALONE = ("/api/", "/confirm/", "/live", "/local/", "/mail/", "/metrics", "/reset/")
pages = Blueprint("robots", __name__)


@pages.get("/robots.txt")
def robots() -> Response:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in LEFT_ALONE)]
    response = Response("\n".join(lines) + "\n", mimetype="text/plain")
    response.cache_control.public = True
    response.cache_control.max_age = 86_400
    return response
