"""Static files under a name that changes with them, so that browsers may keep them for good."""

import hashlib
from pathlib import Path

from flask import Flask, Response, send_from_directory

from web.paths import url_for

KEPT_SECONDS = 365 * 86_400
SITE_SHEET = "css/site.css"
SITE_SHEETS = ("tokens", "base", "components")
"""What every page needs, in their order: one request instead of three before the first paint."""


def register(app: Flask) -> None:
    """Serve the static folder at /assets/VERSION/, and give templates `asset(name)`.

    One version for all files, so that modules find each other by relative names.
    """
    folder = Path(app.static_folder or "static")
    version = version_of(folder)
    site_sheet = "\n".join((folder / f"css/{name}.css").read_text() for name in SITE_SHEETS)

    def asset(name: str) -> str:
        return url_for("assets", version=version, name=name)

    def serve(version: str, name: str) -> Response:  # noqa: ARG001 - any version is served
        if name == SITE_SHEET:
            response = Response(site_sheet, mimetype="text/css")
            response.cache_control.max_age = KEPT_SECONDS
        else:
            response = send_from_directory(folder, name, max_age=KEPT_SECONDS)
        response.cache_control.public = True
        response.cache_control.immutable = True
        return response

    def favicon() -> Response:
        return send_from_directory(folder, "img/bell.svg", max_age=86_400)

    app.jinja_env.globals.update(asset=asset, asset_version=version)
    app.add_url_rule("/assets/<version>/<path:name>", "assets", serve)
    app.add_url_rule("/favicon.ico", "favicon", favicon)


def version_of(folder: Path) -> str:
    """A short name for the present content of a folder."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
