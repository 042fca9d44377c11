"""Operations of the agent's own making, sent by gql over the daemon's guarded client.

Importing this module imports gql and graphql-core, which take longer than all of the daemon's own
reads at start: it is meant to be imported with the first call of the tool.
"""

from __future__ import annotations

from gql import GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed, TransportError
from gql.transport.httpx import HTTPXAsyncTransport
from graphql import DocumentNode, ExecutionResult

from symphony.domain.json import JsonObject
from symphony.trackers.errors import TrackerError
from symphony.trackers.linear.transport import GuardedClient


async def send_operation(
    client: GuardedClient, text: str, document: DocumentNode, variables: JsonObject
) -> ExecutionResult:
    """What Linear answers to it. Raises `TrackerError`, `httpx.TransportError`."""
    transport = HTTPXAsyncTransport(client.endpoint)
    transport.client = client
    try:
        return await transport.execute(_TextRequest(text, document, variables))
    except TransportConnectionFailed as error:
        raise error.__cause__ or error from None
    except (TransportError, TypeError, AttributeError):
        # gql quotes the whole body in its message; nobody wants that in a log.
        raise TrackerError("tracker_response", "Linear's answer is not a GraphQL result") from None


class _TextRequest(GraphQLRequest):
    """Goes out as it was written; gql would print the parsed document anew."""

    def __init__(self, text: str, document: DocumentNode, variables: JsonObject) -> None:
        super().__init__(document, variable_values=dict(variables))
        self._text = text

    @property
    def payload(self) -> dict[str, object]:
        return {"query": self._text, "variables": self.variable_values or {}}
