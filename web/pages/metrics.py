"""What Prometheus asks."""

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from services.metrics.access import Asked, status_of
from services.metrics.shared import CONTENT_TYPE, metrics_text
from services.metrics.site import SiteMetrics
from web.context import now, services
from web.limits import limiter
from web.security import talisman

pages = Blueprint("metrics", __name__)


@pages.get("/metrics")
@limiter.exempt
@talisman(force_https=False)  # type: ignore[untyped-decorator]  # asked from within, without TLS
def metrics() -> ResponseReturnValue:
    """The numbers of all processes of this machine, for those who may read them."""
    names = [name for name, _ in request.headers]
    authorization = request.headers.get("Authorization", "")
    asked = Asked(request.remote_addr or "", request.host, names, authorization)
    match status_of(asked, services().settings.metrics_token.get_secret_value()):
        case 404:
            abort(404)
        case 401:
            return Response("METRICS_TOKEN is needed.\n", 401, {"WWW-Authenticate": "Bearer"})
    return Response(
        metrics_text(SiteMetrics(services().redis, services().jobs, now)),
        headers={"Cache-Control": "no-store"},
        content_type=CONTENT_TYPE,
    )
