"""Answers that go wrong on purpose, in the form that GitHub's failures have."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

from conformance.fakes.faults import Fault
from conformance.fakes.github.replies import JSON_TYPE, ApiError, Reply, json_reply
from conformance.fakes.json_values import JsonObject, JsonValue, as_object

SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)
UNICORN = b"<!DOCTYPE html><html><body><h1>Unicorn!</h1></body></html>"


def faulty(reply: Reply, fault: Fault, *, is_graphql: bool, authorization: str) -> Reply:
    """The answer with the fault. What concerns the connection is none of this module."""
    match fault.kind:
        case "status":
            return _status(fault)
        case "rate_limited":
            return _rate_limited(fault, is_graphql)
        case "not_json":
            return Reply(status=200, body=UNICORN, headers={"Content-Type": "text/html"})
        case "huge_body":
            body = json.dumps(["x" * fault.size]).encode()
            return replace(reply, body=body)
        case "redirect":
            return ApiError(fault.status, "Moved Permanently", Location=fault.location).reply()
        case "cursor_loop":
            return _loop(reply, is_graphql, missing=False)
        case "cursor_missing":
            return _loop(reply, is_graphql, missing=True)
        case "echo_secret":
            return ApiError(401, f"Bad credentials: {authorization}").reply()
        case "null_field":
            return _changed(reply, lambda content: _with_null(content, fault.field))
        case _:
            return _with_errors(reply, fault)


def _status(fault: Fault) -> Reply:
    words = {
        401: "Bad credentials",
        403: "Resource not accessible by personal access token",
        404: "Not Found",
        410: "Issues are disabled for this repo",
        429: SECONDARY,
    }
    message = words.get(fault.status, "Server Error")
    if fault.status == 403 and fault.retry_after is not None:
        message = SECONDARY
    reply = ApiError(fault.status, message).reply()
    if fault.retry_after is not None:
        reply.headers["Retry-After"] = fault.retry_after
    return reply


def _rate_limited(fault: Fault, is_graphql: bool) -> Reply:
    reset = int(time.time()) + (fault.reset_in_ms or 60_000) // 1000
    message = "API rate limit exceeded for installation ID 1."
    if is_graphql:
        reply = json_reply({"errors": [{"type": "RATE_LIMITED", "message": message}]})
    else:
        reply = ApiError(403, message).reply()
    reply.headers.update({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)})
    return reply


def _loop(reply: Reply, is_graphql: bool, *, missing: bool) -> Reply:
    if not is_graphql:
        link = reply.headers.get("X-Own-Address", "")
        reply.headers["Link"] = f'<{link}>; rel="next"'
        return reply
    page: dict[str, JsonValue] = {
        "hasNextPage": True,
        "endCursor": None if missing else "Y3Vyc29yOnYyOjA=",
    }
    return _changed(reply, lambda content: _with_page(content, page))


def _with_page(content: JsonValue, page: JsonObject) -> JsonValue:
    if isinstance(content, list):
        return [_with_page(each, page) for each in content]
    if not isinstance(content, dict):
        return content
    members = as_object(content)
    return {
        name: {**as_object(value), **page} if name == "pageInfo" else _with_page(value, page)
        for name, value in members.items()
    }


def _with_null(content: JsonValue, field: str) -> JsonValue:
    if isinstance(content, list):
        return [_with_null(each, field) for each in content]
    if not isinstance(content, dict):
        return content
    return {
        name: None if name == field else _with_null(value, field)
        for name, value in as_object(content).items()
    }


def _with_errors(reply: Reply, fault: Fault) -> Reply:
    error: JsonObject = {
        "message": "Something went wrong while executing your query. Reference: 1234"
    }
    content = dict(as_object(json.loads(reply.body)))
    content["errors"] = [error]
    if fault.kind == "errors_without_data":
        content.pop("data", None)
    elif fault.kind == "errors_with_null":
        content["data"] = dict.fromkeys(as_object(content.get("data")))
    return _json(reply, content)


def _changed(reply: Reply, change: Callable[[JsonValue], JsonValue]) -> Reply:
    return _json(reply, change(json.loads(reply.body)))


def _json(reply: Reply, content: JsonValue) -> Reply:
    headers = {**reply.headers, "Content-Type": JSON_TYPE}
    return replace(reply, body=json.dumps(content).encode(), headers=headers)
