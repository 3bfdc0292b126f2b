"""The file of all that is kept about who asks, for pages and programs."""

from flask import Response

from services.accounts.own_records import archive
from web import trail
from web.context import me, now, services

EXPORTS_BY_ACCOUNT = "10 per hour"


def own_export() -> str:
    """The key of the limit, which pages and programs share."""
    return f"export:{me().uid}"


def archive_of_me() -> Response:
    """The file, sent as it is made."""
    pieces = archive(services().store, me().uid, now())
    answer = Response(pieces, content_type="application/zip")
    trail.note(me().uid, "data_exported")
    name = f"bellwether-{now():%Y-%m-%d}.zip"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
