"""The OpenAPI document of the interface: `GET /api/v1/openapi.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from symphony import __version__
from symphony.domain.json import JsonObject
from symphony.http.schemas import SCHEMAS, reference

_JSON: Final = "application/json"

_ERRORS: Final[Mapping[str, str]] = {
    "400": "Not a request of this interface.",
    "401": "A token is required, and this is not it.",
    "403": "The Host or the Origin of the request is refused.",
    "404": "There is no such thing.",
    "405": "The address is used otherwise.",
    "409": "The issue is in another state than this needs.",
    "413": "The body is too large.",
    "500": "A defect of the daemon.",
    "503": "Not now: the state is unavailable, the daemon stops, or there are too many clients.",
}
_ALWAYS: Final = ("401", "403", "405", "500", "503")


def openapi_document() -> JsonObject:
    """Made from the same words that the endpoints use; tested against the running server."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Symphony",
            "version": __version__,
            "description": "What the daemon does now. All is read only, but for `refresh`, "
            "`answer` and `stop`. Members may be added to documents; none is removed within `v1`.",
        },
        "paths": {
            "/api/v1/state": {"get": _read("getState", "Everything at one moment.", "State")},
            "/api/v1/events": {"get": _events()},
            "/api/v1/refresh": {"post": _refresh()},
            "/api/v1/answer": {
                "post": _wish("answerIssue", "Answer a blocked issue.", "AnswerWish")
            },
            "/api/v1/stop": {"post": _wish("stopIssue", "Hold an issue.", "StopWish")},
            "/api/v1/openapi.json": {"get": _openapi()},
            "/api/v1/{issue_identifier}": {"get": _issue()},
            "/healthz": {"get": _read("getHealth", "Whether the process is alive.", "Status")},
            "/readyz": {"get": _read("getReadiness", "Whether it starts issues.", "Status")},
            "/metrics": {"get": _metrics()},
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
        # The empty one: on loopback none is needed unless `server.token` is set.
        "security": [{}, {"token": []}, {"password": []}],
    }


def _read(name: str, summary: str, schema: str, *more_errors: str) -> JsonObject:
    return _operation(name, summary, {"200": _json(schema, summary)}, *more_errors)


def _operation(
    name: str, summary: str, answers: Mapping[str, JsonObject], *more_errors: str
) -> dict[str, JsonObject | str]:
    errors = {code: _json("Error", _ERRORS[code]) for code in sorted({*_ALWAYS, *more_errors})}
    return {"operationId": name, "summary": summary, "responses": {**answers, **errors}}


def _json(schema: str, description: str) -> JsonObject:
    return {"description": description, "content": {_JSON: {"schema": reference(schema)}}}


def _plain(content_type: str, description: str) -> JsonObject:
    return {"description": description, "content": {content_type: {"schema": {"type": "string"}}}}


def _issue() -> JsonObject:
    operation = _read("getIssue", "Everything about one issue.", "Issue", "404")
    identifier: JsonObject = {
        "name": "issue_identifier",
        "in": "path",
        "required": True,
        "description": "What people call the issue, percent-encoded once.",
        "schema": {"type": "string", "minLength": 1},
    }
    return {**operation, "parameters": [identifier]}


def _refresh() -> JsonObject:
    answer = {"202": _json("Refresh", "A poll is on its way.")}
    summary = "Poll and reconcile now instead of at the next tick."
    operation = _operation("refresh", summary, answer, "400", "413")
    body: JsonObject = {"required": False, "content": {_JSON: {"schema": {"type": "object"}}}}
    return {**operation, "requestBody": body}


def _wish(name: str, summary: str, schema: str) -> JsonObject:
    answer = {"202": _json("Accepted", "The scheduler was told.")}
    operation = _operation(name, summary, answer, "400", "404", "409", "413")
    body: JsonObject = {"required": True, "content": {_JSON: {"schema": reference(schema)}}}
    return {**operation, "requestBody": body}


def _events() -> JsonObject:
    summary = "The state now and after each change, as server-sent events named `state`."
    answer = {"200": _plain("text/event-stream", "Goes on until the client or the daemon ends.")}
    return _operation("getEvents", summary, answer)


def _metrics() -> JsonObject:
    answer = {"200": _plain("text/plain", "The Prometheus text format.")}
    return _operation("getMetrics", "Figures for Prometheus.", answer)


def _openapi() -> JsonObject:
    answer: JsonObject = {
        "description": "This document.",
        "content": {_JSON: {"schema": {"type": "object"}}},
    }
    return _operation("getOpenapi", "This document.", {"200": answer})
