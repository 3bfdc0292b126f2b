"""The pages, one module for each family."""

from flask import Flask, Response

from web import assets, compression, filters, parts, paths
from web.context import services, signed_in
from web.market import market
from web.pages import (
    account,
    accounts,
    alert,
    alerts,
    csv_lists,
    data,
    design,
    destinations,
    devices,
    entries,
    health,
    help,
    home,
    language,
    lists,
    live,
    local_mail,
    looks,
    mail_links,
    metrics,
    notifications,
    passwords,
    pwa,
    resume,
    robots,
    status,
    symbols,
    theme,
    triggers,
    watchlists,
)

BLUEPRINTS = (
    home.pages,
    accounts.pages,
    passwords.pages,
    account.pages,
    data.pages,
    notifications.pages,
    destinations.pages,
    watchlists.pages,
    csv_lists.pages,
    lists.pages,
    entries.pages,
    alerts.pages,
    alert.pages,
    live.pages,
    looks.pages,
    triggers.pages,
    resume.pages,
    health.pages,
    robots.pages,
    local_mail.pages,
    mail_links.pages,
    metrics.pages,
    status.pages,
    devices.pages,
    pwa.pages,
    symbols.pages,
    theme.pages,
    language.pages,
    help.pages,
    design.pages,
)


def register(app: Flask) -> None:
    """Serve the pages and what their templates need from `app`."""
    assets.register(app)
    compression.register(app)
    filters.register(app)
    parts.register(app)
    paths.register(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(
        lambda: {
            "signed_in": signed_in,
            "market": market,
            "local_mailbox": services().settings.bellwether_local,
        }
    )
    app.after_request(_kept_by_nobody_else)
    for pages in BLUEPRINTS:
        app.register_blueprint(pages)


def _kept_by_nobody_else(response: Response) -> Response:
    """Pages are asked for anew each time, but the Back button finds what was typed."""
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
