"""What a request to the fake asks for, written into its record."""

from __future__ import annotations

from conformance.fakes.github.executor import Operation
from conformance.fakes.github.rest import Call
from conformance.fakes.recording import Asked, Request


def note_operation(operation: Operation, request: Request) -> None:
    """A GraphQL operation."""
    request.query = operation.query
    request.variables = operation.variables
    request.root_fields = operation.root_fields
    request.asked = operation.asked
    request.is_mutation = operation.is_mutation


def note_route(route: str, call: Call, request: Request) -> None:
    """A call of the REST interface; `route` is empty where there is none for it."""
    request.root_fields = (route,) if route else ()
    request.asked = (Asked(field=route, arguments={**call.query, "path": call.path}),)
    request.is_mutation = request.method != "GET"
