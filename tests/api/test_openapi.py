"""The OpenAPI document."""

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.api.test_auth import OPEN_TO_ALL, ROUTES
from tests.support.web import Site


@pytest.fixture
def document(site: Site) -> dict[str, Any]:
    answer = site.app.test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    found: dict[str, Any] = answer.json
    return found


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.mark.slow
def test_the_document_keeps_to_the_standard(document: dict[str, Any]):
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_the_document_describes_every_route_and_no_page(document: dict[str, Any]):
    routes = {*ROUTES, OPEN_TO_ALL[0]}
    wanted = {(m, "/api/v1" + re.sub("<(.*?)>", r"{\1}", route)) for m, route in routes}
    assert operations(document).keys() == wanted


def test_only_tokens_are_made_without_a_token(document: dict[str, Any]):
    assert document["security"] == [{"bearer": []}]
    scheme = document["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    open_to_all = [key for key, found in operations(document).items() if "security" in found]
    assert open_to_all == [("POST", "/api/v1/tokens")]


def test_models_have_plain_names_and_every_operation_one_of_its_own(document: dict[str, Any]):
    assert all(re.fullmatch("[A-Z][A-Za-z]+", name) for name in document["components"]["schemas"])
    names = [found["operationId"] for found in operations(document).values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z_]+", name) for name in names)


def test_every_refusal_is_a_problem_document(document: dict[str, Any]):
    for operation in operations(document).values():
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert answer["content"] == {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }


def test_the_document_loads_nothing_from_elsewhere(site: Site):
    for page in ("swagger", "redoc", "scalar"):
        for path in (f"/api/v1/{page}/", f"/apidoc/{page}/"):
            assert site.app.test_client().get(path).status_code == 404
