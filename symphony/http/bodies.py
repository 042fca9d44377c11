"""Bodies of requests: bounded, and either what they have to be or an error for an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from symphony.domain.json import JsonObject, as_object, parse_json
from symphony.http.answers import ApiError

MAX_BODY_BYTES: Final = 65_536
"""Of a request: an answer to an agent is the longest, in the encoding of a form."""
MAX_FIELDS: Final = 10
"""Of a form; the page has three."""


async def json_body(request: Request) -> JsonObject:
    """A JSON object; an empty body is an empty one. Raises `ApiError`."""
    body = await _read(request)
    if not body.strip():
        return {}
    members = as_object(parse_json(body))
    if members is None:
        raise bad_body("The body has to be empty or a JSON object.")
    return members


async def form_body(request: Request) -> Mapping[str, str]:
    """The fields of a form, as a browser without script sends it. Raises `ApiError`."""
    body = await _read(request)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise bad_body("The body has to be a form in UTF-8.") from None
    return dict(pairs)


def bad_body(message: str) -> ApiError:
    """The body is not what this address takes."""
    return ApiError(status=400, code="invalid_body", message=message)


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                message = f"A body has at most {MAX_BODY_BYTES} bytes."
                raise ApiError(status=413, code="body_too_large", message=message)
    except ClientDisconnect:
        raise bad_body("The body is not complete.") from None
    return bytes(body)
