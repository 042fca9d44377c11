"""From the result of an operation to the bytes of an answer, whole or spoilt by a fault."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from graphql import ExecutionResult

from conformance.fakes.faults import Fault
from conformance.fakes.json_values import JsonObject, JsonValue, as_array, as_object
from conformance.fakes.linear.chaos import Chaos
from conformance.fakes.linear.errors import error_body
from conformance.fakes.linear.executor import Operation, Rights, execute
from conformance.fakes.world import World

REQUESTS_PER_HOUR = 2_500
POINTS_PER_HOUR = 3_000_000
"""What Linear grants a personal key."""

RATE_LIMIT_MESSAGE = "Rate limit exceeded. Only 2500 requests are allowed per 1 hour"
FIRST_AGAIN = "MA=="
"""A cursor that is valid and stands before every entry."""

HTML = b"<!doctype html><title>Down for maintenance</title>"

_JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def answer(operation: Operation, world: World, rights: Rights, chaos: Chaos) -> Answer:
    """Execute and write down. Raises `RefusedError`."""
    result: ExecutionResult = execute(operation, world, rights, chaos)
    body: dict[str, object] = {"data": result.data}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    headers = {**_JSON, **_limits(operation.points)}
    if chaos.extras:
        body["extensions"] = {"trace": {"seed": chaos.seed}}
        headers["X-Not-Known-Yet"] = "1"
    # Variables that do not fit their types are found before anything is executed.
    is_bad_request = result.data is None and all(e.path is None for e in result.errors or ())
    status = 400 if is_bad_request else 200
    return Answer(status, json.dumps(body, ensure_ascii=False).encode(), headers)


def faulty(response: Answer, fault: Fault, secret: str) -> Answer:
    """The answer that the fault makes of it. `secret` is the credential of the request."""
    match fault.kind:
        case "status":
            retry = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            return Answer(fault.status, b"{}", {**_JSON, **retry})
        case "redirect":
            return Answer(fault.status, b"", {"Location": fault.location})
        case "not_json":
            return Answer(200, HTML, {"Content-Type": "text/html"})
        case "huge_body":
            return Answer(200, b'{"data": {"all": "' + b"x" * fault.size + b'"}}', _JSON)
        case "rate_limited":
            return _rate_limited(fault)
        case "echo_secret":
            message = f"the key {secret} is not welcome"
            return _json(400, {"errors": [error_body("INPUT_ERROR", message)]})
        case _:
            return _spoilt(response, fault)


def _limits(points: int) -> dict[str, str]:
    reset = str(int(time.time() * 1000) + 3_600_000)
    return {
        "X-RateLimit-Requests-Limit": str(REQUESTS_PER_HOUR),
        "X-RateLimit-Requests-Remaining": str(REQUESTS_PER_HOUR - 1),
        "X-RateLimit-Requests-Reset": reset,
        "X-Complexity": str(points),
        "X-RateLimit-Complexity-Limit": str(POINTS_PER_HOUR),
        "X-RateLimit-Complexity-Remaining": str(POINTS_PER_HOUR - points),
        "X-RateLimit-Complexity-Reset": reset,
    }


def _rate_limited(fault: Fault) -> Answer:
    headers = _limits(0)
    if fault.reset_in_ms is not None:
        headers["X-RateLimit-Requests-Remaining"] = "0"
        headers["X-RateLimit-Requests-Reset"] = str(int(time.time() * 1000) + fault.reset_in_ms)
    if fault.retry_after is not None:
        headers["Retry-After"] = fault.retry_after
    refused = _json(400, {"errors": [error_body("RATELIMITED", RATE_LIMIT_MESSAGE)]})
    return replace(refused, headers={**refused.headers, **headers})


def _spoilt(response: Answer, fault: Fault) -> Answer:
    content = dict(as_object(json.loads(response.body)))
    data = as_object(content.get("data"))
    match fault.kind:
        case "errors_without_data":
            content = {"data": None, "errors": [_internal_error(None)]}
        case "errors_with_null":
            # Whoever passes over the error finds no issues, and nothing else that is missing.
            name = "issues" if "issues" in data else next(iter(data))
            content = {"data": {**data, name: None}, "errors": [_internal_error([name])]}
        case "errors_beside_data":
            path: list[str | int] = [next(iter(data))]
            content = {**content, "errors": [_internal_error(path)]}
        case "cursor_loop":
            content["data"] = _changed(data, _looping)
        case "cursor_missing":
            content["data"] = _changed(data, _without_cursor)
        case _:
            content["data"] = _changed(data, lambda each: _nulled(each, fault.field))
    spoilt = _json(response.status, content)
    return replace(spoilt, headers=response.headers)


def _internal_error(path: list[str | int] | None) -> JsonObject:
    body = error_body("INTERNAL_SERVER_ERROR", "Something went wrong", path)
    return as_object(json.loads(json.dumps(body)))


def _changed(value: JsonValue, change: Callable[[JsonObject], JsonObject]) -> JsonValue:
    """The value with every object in it changed, from the inside out."""
    if isinstance(value, dict):
        return change({name: _changed(each, change) for name, each in as_object(value).items()})
    if isinstance(value, list):
        return [_changed(each, change) for each in as_array(value)]
    return value


def _looping(each: JsonObject) -> JsonObject:
    return (
        {**each, "hasNextPage": True, "endCursor": FIRST_AGAIN} if "hasNextPage" in each else each
    )


def _without_cursor(each: JsonObject) -> JsonObject:
    return {**each, "hasNextPage": True, "endCursor": None} if "hasNextPage" in each else each


def _nulled(each: JsonObject, name: str) -> JsonObject:
    return {**each, name: None} if name in each else each


def _json(status: int, content: Mapping[str, object]) -> Answer:
    return Answer(status, json.dumps(content, ensure_ascii=False).encode(), _JSON)
