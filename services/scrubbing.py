"""What of an error is told to the service that collects errors: a list of what may be, no more.

Of a request the route, of a job its name; of the error its kind, its message without secrets and
where in the code it came from. No headers, cookies, query strings, forms, arguments or variables.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from services.logs.redaction import Redaction

Part: TypeAlias = Mapping[str, Any]
_KEPT = (
    *("event_id", "timestamp", "level", "platform", "logger", "transaction", "release"),
    *("environment", "sdk", "modules", "server_name"),
)
_OF_FRAME = (
    *("filename", "function", "module", "lineno", "in_app"),
    *("context_line", "pre_context", "post_context"),
)
_OF_CRUMB = ("timestamp", "type", "category", "level")
_OF_CONTEXTS = ("runtime", "trace")


class Scrubbing:
    """Sentry's `before_send` and `before_breadcrumb`."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def event(self, event: Part, _hint: Part) -> dict[str, Any]:
        kept = _only(event, _KEPT)
        kept["exception"] = {"values": [self._error(each) for each in _values(event, "exception")]}
        kept["breadcrumbs"] = {
            "values": [self._crumb(each) for each in _values(event, "breadcrumbs")]
        }
        kept["contexts"] = _only(event.get("contexts") or {}, _OF_CONTEXTS)
        kept["tags"] = self._texts(event.get("tags") or {})
        if entry := event.get("logentry"):
            said = entry.get("formatted") or entry.get("message") or ""
            kept["logentry"] = {"message": self._redaction.text(str(said))}
        return kept

    def crumb(self, crumb: Part, _hint: Part) -> dict[str, Any] | None:
        """Nothing about requests that we send: the paths of webhooks and chats are secrets."""
        return None if crumb.get("category") == "httplib" else self._crumb(crumb)

    def _crumb(self, crumb: Part) -> dict[str, Any]:
        said = self._redaction.text(str(crumb.get("message") or ""))
        return _only(crumb, _OF_CRUMB) | {"message": said}

    def _error(self, error: Part) -> dict[str, Any]:
        frames = (error.get("stacktrace") or {}).get("frames") or []
        return _only(error, ("type", "module", "mechanism")) | {
            "value": self._redaction.text(str(error.get("value") or "")),
            "stacktrace": {"frames": [_only(frame, _OF_FRAME) for frame in frames]},
        }

    def _texts(self, tags: Part) -> dict[str, Any]:
        return {name: self._redaction.value(name, value) for name, value in tags.items()}


def _values(event: Part, name: str) -> Iterable[Part]:
    found = event.get(name) or {}
    values: Iterable[Part] = found.get("values") or () if isinstance(found, Mapping) else found
    return values


def _only(part: Part, names: Iterable[str]) -> dict[str, Any]:
    return {name: part[name] for name in names if name in part}
