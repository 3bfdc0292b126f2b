"""All that is kept about a person, in one file."""

from flask import Response

from web.api.blueprint import api
from web.api.openapi import operation
from web.limits import limiter
from web.own_archive import EXPORTS_BY_ACCOUNT, archive_of_me, own_export


@api.get("/export")
@operation("account", 200, None, 429)
@limiter.shared_limit(EXPORTS_BY_ACCOUNT, scope="export", key_func=own_export)
def read_export() -> Response:
    """Take away all that is kept about you: a ZIP of JSON and CSV files, without secrets."""
    return archive_of_me()
