"""One credential at Linear: sends operations, and keeps the peace that Linear asks for.

After an answer that asks for patience nothing is sent before that time; whoever asks meanwhile gets
the same error at once, with what is left of it (`tracker.limit.bounded`). Results of reads are
complete or an error. The libraries are imported with the first request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object
from symphony.trackers.errors import TrackerError
from symphony.trackers.linear.bounds import DEFAULT_BOUNDS, Bounds
from symphony.trackers.linear.failures import (
    RATE_LIMITED,
    RefusedAnswerError,
    codes,
    errors_in_result,
    is_complete,
    masked,
)

if TYPE_CHECKING:
    from gql.transport.httpx import HTTPXAsyncTransport
    from graphql import DocumentNode

READ_ATTEMPTS = 2
"""Of a read whose connection broke. A connection that was kept may have been closed by the other
side in the very moment of its use; a second one tells whether Linear is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation, as text and parsed."""

    text: str
    document: DocumentNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an operation gave: `errors` are the provider's, empty where all went well."""

    data: JsonObject | None
    errors: Sequence[JsonValue]


class LinearClient:
    """Sends with one key. May be used by many tasks of one event loop. `sent` counts requests."""

    def __init__(
        self,
        endpoint: str,
        key: str,
        *,
        secrets: Collection[str],
        bounds: Bounds = DEFAULT_BOUNDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sent = 0
        self._endpoint = endpoint
        self._key = key
        self._secrets = secrets
        self._bounds = bounds
        self._monotonic = monotonic
        self._quiet_until = 0.0
        self._transport: HTTPXAsyncTransport | None = None
        self._operations: dict[str, Operation] = {}

    async def read(self, query: str, variables: JsonObject) -> JsonObject:
        """The data of a query that changes nothing. Raises `TrackerError` unless all of it is there
        (`tracker.error.application`)."""
        result = await self.call(self._operation(query), variables, attempts=READ_ATTEMPTS)
        if result.errors and (result.data is None or not is_complete(result.errors, result.data)):
            raise self._noted(errors_in_result(result.errors))
        if result.data is None:
            raise TrackerError("tracker_response", "Linear answered without data")
        return result.data

    async def call(
        self, operation: Operation, variables: JsonObject, *, attempts: int = 1
    ) -> Result:
        """Send one operation, at most `attempts` times where the connection breaks, and give
        whatever its result is. Raises `TrackerError` where there is no result."""
        self._respect_quiet()
        for left in reversed(range(attempts)):
            try:
                return await self._execute(operation, variables)
            except _BrokenConnectionError as error:
                if left == 0:
                    message = f"the connection to Linear broke: {error}"
                    raise TrackerError("tracker_request", message) from None
        raise AssertionError("there is at least one attempt")

    async def aclose(self) -> None:
        """Close the connections. Idempotent; a later request opens new ones."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    async def _execute(self, operation: Operation, variables: JsonObject) -> Result:
        from gql.transport.exceptions import TransportConnectionFailed, TransportError

        from symphony.trackers.linear.transport import TextRequest

        transport = self._open()
        request = TextRequest(operation.text, operation.document, variables)
        self.sent += 1
        try:
            answer = await transport.execute(request)
        except TransportConnectionFailed as error:
            raise self._failure(error.__cause__ or error) from None
        except (TransportError, TypeError, AttributeError):
            # gql quotes the whole body in its message; nobody wants that in a log.
            raise TrackerError(
                "tracker_response", "Linear's answer is not a GraphQL result"
            ) from None
        # gql declares error objects and hands on the JSON as it came off the wire.
        errors = masked(cast("JsonValue", answer.errors), self._secrets)
        data = as_object(answer.data)
        if answer.data is not None and data is None:
            raise TrackerError("tracker_response", "the data in Linear's answer is not an object")
        result = Result(data=data, errors=as_array(errors) or ())
        if RATE_LIMITED in codes(result.errors):
            raise self._noted(errors_in_result(result.errors))
        return result

    def _open(self) -> HTTPXAsyncTransport:
        if self._transport is None:
            from symphony.trackers.linear.transport import open_transport

            self._transport = open_transport(
                self._endpoint, self._key, bounds=self._bounds, secrets=self._secrets
            )
        return self._transport

    def _failure(self, error: BaseException) -> Exception:
        """What went wrong on the way, in the words of the port."""
        import httpx

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

    def _operation(self, text: str) -> Operation:
        """The texts of the daemon are few and constant."""
        operation = self._operations.get(text)
        if operation is None:
            from graphql import parse

            operation = Operation(text=text, document=parse(text))
            self._operations[text] = operation
        return operation


class _BrokenConnectionError(Exception):
    """The connection ended before an answer was complete."""


def _kind(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
