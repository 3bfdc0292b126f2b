"""What may be seen of where a destination leads. Pure."""

from urllib.parse import urlsplit

from services.notify.channels.apprise import address as apprise
from services.store.users import Destination


def shown(destination: Destination) -> str:
    """Where it leads, without what is secret in its address: its scheme and host or service."""
    if destination.leads_to:
        return destination.leads_to
    if destination.kind == "webhook":
        parts = urlsplit(destination.url)
        return f"{parts.scheme}://{parts.netloc}/…"
    service = apprise.service_of(destination.url)
    scheme = destination.url.partition("://")[0]
    return f"{service.name} ({scheme}://…)" if service else f"{scheme}://…"
