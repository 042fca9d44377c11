"""Answers in JSON, and errors in their envelope (`http.error.envelope`).

Codes are stable; messages are sentences for people and may change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response

from symphony.domain.json import JsonObject

JSON_TYPE = "application/json"


class ApiError(Exception):
    """A request that gets an error for an answer."""

    def __init__(
        self, *, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer as it is sent."""
        return Response(
            encoded(self.envelope()),
            status_code=self.status,
            headers=self.headers,
            media_type=JSON_TYPE,
        )

    def envelope(self) -> JsonObject:
        """`{"error": {"code", "message"}}`."""
        return {"error": {"code": self.code, "message": self.message}}


def encoded(document: JsonObject) -> bytes:
    """JSON in ASCII: whatever a title is made of, it can be encoded and ends no line."""
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode("ascii")


def json_response(document: JsonObject, status: int = 200) -> Response:
    """A document as an answer."""
    return Response(encoded(document), status_code=status, media_type=JSON_TYPE)


def not_found(path: str) -> ApiError:
    """Nothing has this address."""
    message = f"Nothing has the address {path[:200]}. GET /api/v1/openapi.json lists what there is."
    return ApiError(status=404, code="not_found", message=message)


def method_not_allowed(allowed: str) -> ApiError:
    """The address exists and is used otherwise (`http.error.method`)."""
    message = f"This address takes {allowed} only."
    return ApiError(
        status=405, code="method_not_allowed", message=message, headers={"Allow": allowed}
    )


def state_unavailable(reason: str) -> ApiError:
    """The state cannot be shown; nothing stale is shown instead (`http.snapshot.failure`)."""
    return ApiError(
        status=503,
        code="snapshot_unavailable",
        message=f"The state is unavailable: {reason}. The daemon's log says more.",
    )
