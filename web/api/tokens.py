"""Tokens: how a program proves on whose behalf it asks."""

from flask import request

from services.errors import AuthenticationFailed
from services.store.users import normal_email
from web import trail
from web.api.blueprint import api
from web.api.openapi import BODY_PROBLEMS, operation
from web.api.schemas import Credentials, Token
from web.context import now, services
from web.limits import SIGN_IN_BY_ACCOUNT, SIGN_IN_BY_ADDRESS, limiter


def _account() -> str:
    """Whose account the body names; asked after the body was found sound."""
    credentials: Credentials = request.context.json  # type: ignore[attr-defined]
    return f"account:{normal_email(credentials.email)}"


@api.post("/tokens")
@operation("tokens", 201, Token, *BODY_PROBLEMS, open_to_all=True)
@limiter.shared_limit(SIGN_IN_BY_ADDRESS, scope="sign-in")
@limiter.shared_limit(SIGN_IN_BY_ACCOUNT, scope="sign-in", key_func=_account)
def create_token(json: Credentials) -> tuple[Token, int]:
    """Make a bearer token from e-mail and password."""
    accounts = services().accounts
    try:
        token = accounts.create_token(json.email, json.password, now())
    except AuthenticationFailed as error:
        services().trail.failed(error.uid, json.email, trail.client(), now())
        raise
    trail.note(accounts.by_token(token).uid, "token_made")
    return Token(token=token), 201
