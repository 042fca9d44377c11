"""One credential at Linear: sends operations, and keeps the peace that Linear asks for.

After an answer that asks for patience nothing is sent before that time; whoever asks meanwhile gets
the same error at once, with what is left of it (`tracker.limit.bounded`). Results of reads are
complete or an error.

The daemon's own queries are constant texts, checked against Linear's schema by the tests: they go
out as they are. Operations of the agent go through gql, which is imported with the first of them,
in a thread: that takes longer than the event loop may stand still.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import anyio.to_thread
import httpx

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object
from symphony.trackers.errors import TrackerError
from symphony.trackers.linear.bounds import DEFAULT_BOUNDS, Bounds
from symphony.trackers.linear.failures import (
    API_KEY,
    RATE_LIMITED,
    DeniedError,
    RefusedAnswerError,
    codes,
    errors_in_result,
    is_complete,
    masked,
)
from symphony.trackers.linear.transport import GuardedClient

if TYPE_CHECKING:
    from graphql import DocumentNode, ExecutionResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the agent, as text and parsed. `changes` is true of a mutation."""

    text: str
    document: DocumentNode
    changes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an operation gave: `errors` are the provider's, empty where all went well."""

    data: JsonObject | None
    errors: Sequence[JsonValue]


class LinearClient:
    """Sends with one key, that of the setting `key_name`. May be used by many tasks of one event
    loop. `sent` counts requests."""

    def __init__(
        self,
        endpoint: str,
        key: str,
        *,
        key_name: str = API_KEY,
        secrets: Collection[str],
        bounds: Bounds = DEFAULT_BOUNDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sent = 0
        self.key_name = key_name
        self._endpoint = endpoint
        self._key = key
        self._secrets = secrets
        self._bounds = bounds
        self._monotonic = monotonic
        self._quiet_until = 0.0
        # Made here, which is no place of the event loop: that takes longer than it may stand still.
        self._http: GuardedClient | None = self._new_http()

    async def read(self, query: str, variables: JsonObject) -> JsonObject:
        """The data of a query that changes nothing. Raises `TrackerError` unless all of it is there
        (`tracker.error.application`)."""

        async def post(http: GuardedClient) -> JsonObject:
            return await _post(http, query, variables)

        try:
            result = await self._send(post)
        except _BrokenConnectionError:
            # A connection that was kept may have been closed by the other side in the very moment
            # of its use; a second one tells whether Linear is there.
            result = await self._send(post)
        if result.errors and (result.data is None or not is_complete(result.errors, result.data)):
            raise self._noted(errors_in_result(result.errors, self.key_name))
        if result.data is None:
            raise TrackerError("tracker_response", "Linear answered without data")
        return result.data

    async def call(self, operation: Operation, variables: JsonObject) -> Result:
        """Send an operation once, and give whatever its result is. Raises `TrackerError` where
        there is no result."""
        try:
            return await self._send(lambda http: _execute(http, operation, variables))
        except DeniedError as error:
            raise (error.of_a_change() if operation.changes else error) from None

    async def aclose(self) -> None:
        """Close the connections. Idempotent; a later request opens new ones."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _send(self, request: Callable[[GuardedClient], Awaitable[JsonObject]]) -> Result:
        self._respect_quiet()
        http = self._open()
        self.sent += 1
        try:
            answer = await request(http)
        except Exception as error:  # Whatever it is, to the scheduler it is a failed request.
            raise self._failure(error) from None
        errors = masked(answer.get("errors"), self._secrets)
        data = as_object(answer.get("data"))
        if answer.get("data") is not None and data is None:
            raise TrackerError("tracker_response", "the data in Linear's answer is not an object")
        result = Result(data=data, errors=as_array(errors) or ())
        if RATE_LIMITED in codes(result.errors):
            raise self._noted(errors_in_result(result.errors))
        return result

    def _open(self) -> GuardedClient:
        if self._http is None:
            self._http = self._new_http()
        return self._http

    def _new_http(self) -> GuardedClient:
        return GuardedClient(
            self._endpoint,
            self._key,
            bounds=self._bounds,
            secrets=self._secrets,
            key_name=self.key_name,
        )

    def _failure(self, error: Exception) -> TrackerError:
        """What went wrong on the way, in the words of the port."""
        if isinstance(error, TrackerError):
            return self._noted(error)
        if isinstance(error, httpx.TimeoutException):
            return TrackerError("tracker_request", f"Linear did not answer in time: {_kind(error)}")
        if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError):
            return _BrokenConnectionError(_kind(error))
        return TrackerError("tracker_request", f"Linear cannot be reached: {_kind(error)}")

    def _noted(self, error: TrackerError) -> TrackerError:
        if error.category == "tracker_rate_limited" and error.retry_after_ms is not None:
            until = self._monotonic() + error.retry_after_ms / 1000
            self._quiet_until = max(self._quiet_until, until)
        return error

    def _respect_quiet(self) -> None:
        left_ms = int((self._quiet_until - self._monotonic()) * 1000)
        if left_ms > 0:
            raise RefusedAnswerError(
                "tracker_rate_limited",
                f"Linear asked for patience; {left_ms / 1000:.0f} s are left",
                retry_after_ms=left_ms,
            )


async def _post(http: GuardedClient, query: str, variables: JsonObject) -> JsonObject:
    response = await http.post(http.endpoint, json={"query": query, "variables": variables})
    try:
        answer = as_object(cast("JsonValue", response.json()))
    except (ValueError, RecursionError):
        answer = None
    if answer is None or not {"data", "errors"} & answer.keys():
        raise TrackerError("tracker_response", "Linear's answer is not a GraphQL result")
    return answer


def _operations() -> Callable[..., Awaitable[ExecutionResult]]:
    from symphony.trackers.linear.operations import send_operation

    return send_operation


async def _execute(http: GuardedClient, operation: Operation, variables: JsonObject) -> JsonObject:
    send_operation = await anyio.to_thread.run_sync(_operations)
    result = await send_operation(http, operation.text, operation.document, variables)
    # gql declares error objects and hands on the JSON as it came off the wire.
    return {"data": cast("JsonValue", result.data), "errors": cast("JsonValue", result.errors)}


class _BrokenConnectionError(TrackerError):
    """The connection ended before an answer was complete."""

    def __init__(self, kind: str) -> None:
        super().__init__("tracker_request", f"the connection to Linear broke: {kind}")


def _kind(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
