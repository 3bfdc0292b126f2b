"""Validation of requests and answers, and the OpenAPI document, by spectree from the models."""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from flask import Request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError
from spectree import Response, SecurityScheme, SpecTree
from spectree.model_adapter.protocol import SchemaMode
from spectree.model_adapter.pydantic_adapter import PydanticModelAdapter
from spectree.models import SecureType, SecuritySchemeData, Server
from spectree.plugins.base import Context
from spectree.plugins.flask_plugin import FlaskPlugin
from spectree.utils import get_multidict_items

from web.api.bodies import json_body
from web.api.problems import MEDIA_TYPE, InvalidRequest
from web.api.schemas import Problem

BEARER = "bearer"
USUAL_PROBLEMS = (401, 422, 429, 503)
BODY_PROBLEMS = (400, 413, 415)
"""What any JSON body may be refused with."""
View: TypeAlias = Callable[..., ResponseReturnValue]


class DescribedOnce(PydanticModelAdapter):
    """Makes the schema of each model once: problems alone would be described a hundred times."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[tuple[Any, ...], dict[str, Any]] = {}

    def json_schema(
        self, model: type[Any], *, ref_template: str, mode: SchemaMode = "validation"
    ) -> dict[str, Any]:
        asked = model, ref_template, mode
        if asked not in self._made:
            self._made[asked] = super().json_schema(model, ref_template=ref_template, mode=mode)
        return self._made[asked]


class StrictFlask(FlaskPlugin):
    """Reads bodies by our own, stricter rules: spectree takes broken JSON for an empty object."""

    def request_validation(self, request: Request, query: Any, json: Any, *_: Any) -> None:
        asked = get_multidict_items(request.args, query)
        request.context = Context(  # type: ignore[attr-defined]
            self.model_adapter.validate_obj(query, asked) if query else None,
            self.model_adapter.validate_obj(json, json_body(request)) if json else None,
            None,
            None,
            None,
        )


class Answers(Response):
    """The answers of a route; those from 400 on are problem documents."""

    def generate_spec(self, *args: Any) -> dict[str, Any]:
        described = super().generate_spec(*args)
        for status, answer in described.items():
            if status >= "400":
                answer["content"] = {MEDIA_TYPE: answer["content"]["application/json"]}
        return described


def _refuse(_: Any, __: Any, fault: Exception | None, *___: Any) -> None:
    if isinstance(fault, ValidationError):
        raise InvalidRequest.of(fault)


def _check(_: Any, __: Any, fault: Exception | None, *___: Any) -> None:
    if fault is not None:
        raise fault


spec = SpecTree(
    backend=StrictFlask,
    model_adapter=cast(Any, DescribedOnce()),
    before=_refuse,
    after=_check,
    validation_error_model=Problem,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _, child: child,
    mode="strict",
    page_templates={},
    title="Bellwether",
    description="A watchlist with a bell: quotes, watchlists, alerts and what they rang.",
    version="1",
    servers=[Server(url="/")],
    security_schemes=[
        SecurityScheme(name=BEARER, data=SecuritySchemeData(type=SecureType.HTTP, scheme=BEARER))
    ],
    security={BEARER: []},
)


def operation(
    tag: str,
    status: int,
    model: type[BaseModel] | None,
    *problems: int,
    open_to_all: bool = False,
    headers: type[BaseModel] | None = None,
    conditional: bool = False,
) -> Callable[[Callable[..., Any]], View]:
    """Describe and validate a view that answers `model` with `status`.

    Its parameters `json` and `query` are the request's models. `problems` are the statuses of
    its refusals beside those that any view may have; `headers` are told in the document only.
    A `conditional` view answers 304 where the program has the same already.
    """
    refusals = {f"HTTP_{code}": Problem for code in sorted({*USUAL_PROBLEMS, *problems})}
    unchanged = {"HTTP_304": None} if conditional else {}
    answers = Answers(**{f"HTTP_{status}": model}, **unchanged, **refusals)
    security: list[Any] | None = [] if open_to_all else None

    def decorate(view: Callable[..., Any]) -> View:
        validate = spec.validate(
            resp=answers,
            tags=[tag],
            security=security,
            operation_id=view.__name__,
            headers=headers,
        )
        return cast(View, validate(view))

    return decorate


def document() -> dict[str, Any]:
    """The OpenAPI document of the present application."""
    return cast(dict[str, Any], spec.spec)
