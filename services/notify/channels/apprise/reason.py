"""Why a service refused, in its own words, without what is secret. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import requests

from services.texts import N_
from services.texts import gettext as _

MOST = 160
_KEYS = ("description", "message", "error_message", "error", "errors", "detail", "title", "info")
_ELSEWHERE = N_("it leads to another address; enter that one instead")
_MEANINGS = {
    301: _ELSEWHERE,
    302: _ELSEWHERE,
    307: _ELSEWHERE,
    308: _ELSEWHERE,
    400: N_("it does not understand the address or the message"),
    401: N_("it does not accept the key or password in the address"),
    403: N_("it does not let this address send"),
    404: N_("it does not know this address"),
    410: N_("the address is no more"),
    413: N_("the message is too long for it"),
    429: N_("it takes no more messages for now"),
}
_HIDDEN = "…"


def reason(answer: requests.Response, url: str) -> str | None:
    """What the service says, else what its status means; None where that tells nothing."""
    said = _clean(_said(answer), url)
    if said or answer.status_code not in _MEANINGS:
        return said or None
    return _(_MEANINGS[answer.status_code])


def _said(answer: requests.Response) -> str:
    text = answer.content.decode("utf-8", "replace")
    try:
        return next(_words(json.loads(text)), "")
    except (ValueError, RecursionError):
        is_page = len(text) > MOST or "<" in text
        return "" if is_page else text


def _words(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict):
        for key in _KEYS:
            yield from _words(body.get(key))
    elif isinstance(body, list):
        for each in body[:3]:
            yield from _words(each)


def _clean(text: str, url: str) -> str:
    """On one line, without any part of the address."""
    for secret in sorted(_parts(url), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    text = re.sub(r"[^\w\s.,:;'\"()!?/…-]+", " ", text)
    return " ".join(text.split())[:MOST]


def _parts(url: str) -> set[str]:
    rest = url.partition("://")[2]
    parts = re.split(r"[/:@?&=#,]", rest) + re.split(r"[/:@?&=#,]", unquote(rest))
    return {part for part in parts if len(part) > 3} | {rest}
