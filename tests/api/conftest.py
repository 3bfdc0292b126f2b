"""Every answer that a test here gets is held against the OpenAPI document."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Response, request
from openapi_schema_validator import OAS31Validator

from tests.support.web import Site
from web.api.openapi import document

BEYOND_ANY_ROUTE = {404, 405, 503}
FAULTS_OF_OURS = {500}


def misfits(described: dict[str, Any], response: Response) -> Iterator[str]:
    """What of the present request's answer the document does not say."""
    if request.url_rule is None:
        content = "application/problem+json"
        schema: dict[str, Any] | None = {"$ref": "#/components/schemas/Problem"}
        if response.status_code not in BEYOND_ANY_ROUTE:
            yield f"{response.status_code} outside every route"
    else:
        path = re.sub("<(.*?)>", r"{\1}", request.url_rule.rule)
        answers = described["paths"][path][request.method.lower()]["responses"]
        if str(response.status_code) not in answers:
            yield f"{response.status_code} is not declared"
            return
        media = answers[str(response.status_code)].get("content")
        content, schema = ("", None) if media is None else _only(media)
    has_body = response.data and response.status_code != 304
    if (response.mimetype if has_body else "") != content:
        yield f"{response.mimetype} instead of {content}"
    if schema is not None:
        whole = {**schema, "components": described["components"]}
        for error in OAS31Validator(whole).iter_errors(response.get_json()):
            yield error.message


def _only(media: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    ((content, described),) = media.items()
    return content, described["schema"]


@pytest.fixture(autouse=True)
def answers_fit_the_document(site: Site) -> Iterator[None]:
    with site.app.app_context():
        described = document()
    found: list[str] = []

    @site.app.after_request
    def check(response: Response) -> Response:
        of_api = request.path.startswith("/api/") and request.endpoint != "api.openapi"
        if of_api and response.status_code not in FAULTS_OF_OURS:
            where = f"{request.method} {request.path}: "
            found.extend(where + misfit for misfit in misfits(described, response))
        return response

    yield
    assert found == []
