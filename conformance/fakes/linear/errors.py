"""Errors in the shape in which Linear reports them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from graphql import GraphQLError

ErrorCode: TypeAlias = Literal[
    "AUTHENTICATION_ERROR",
    "FORBIDDEN",
    "GRAPHQL_VALIDATION_FAILED",
    "GRAPHQL_PARSE_FAILED",
    "INPUT_ERROR",
    "INTERNAL_SERVER_ERROR",
    "RATELIMITED",
]

_TYPES: dict[ErrorCode, tuple[str, int]] = {
    "AUTHENTICATION_ERROR": ("authentication error", 401),
    "FORBIDDEN": ("forbidden", 403),
    "GRAPHQL_VALIDATION_FAILED": ("graphql error", 400),
    "GRAPHQL_PARSE_FAILED": ("graphql error", 400),
    "INPUT_ERROR": ("invalid input", 400),
    "INTERNAL_SERVER_ERROR": ("internal error", 500),
    "RATELIMITED": ("ratelimited", 400),
}


@dataclass(frozen=True, slots=True)
class RefusedError(Exception):
    """A request that is refused as a whole, before anything is executed."""

    code: ErrorCode
    message: str

    @property
    def status(self) -> int:
        return _TYPES[self.code][1]

    def body(self) -> dict[str, object]:
        """What the client is told."""
        return {"errors": [error_body(self.code, self.message)]}


def error_body(
    code: ErrorCode, message: str, path: list[str | int] | None = None
) -> dict[str, object]:
    """One entry of `errors`."""
    body: dict[str, object] = {"message": message, "extensions": extensions(code, message)}
    return body if path is None else {**body, "path": path}


def extensions(code: ErrorCode, message: str) -> dict[str, object]:
    """What Linear says beside the message."""
    type_, status = _TYPES[code]
    return {
        "type": type_,
        "code": code,
        "statusCode": status,
        "userError": status < 500,
        "userPresentableMessage": message,
        "http": {"status": status, "headers": {}},
    }


def input_error(message: str) -> GraphQLError:
    """Something that the schema allows and the provider does not."""
    return GraphQLError(message, extensions=extensions("INPUT_ERROR", message))


def not_found(kind: str) -> GraphQLError:
    """An entity that is not there, or that the key may not see."""
    return input_error(f"Entity not found: {kind}")
