"""One credential at one GitHub: requests over the network, and nothing that interprets records.

Guarantees of `GitHubClient.request`: it ends in bounded time and reads a bounded answer; the token
goes to the configured origin only, also through redirects, and stands in no answer; while GitHub
asks for patience nothing is sent. It never waits for a limit to pass: that is the scheduler's to
plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
import httpx

from symphony.domain.json import JsonValue
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.addresses import Addresses, joined, same_origin
from symphony.trackers.github.answers import Answer, patience_of, rate_limited

MEDIA_TYPE = "application/vnd.github+json"
API_VERSION = "2022-11-28"
USER_AGENT = "symphony-for-python"
REDACTED = b"[redacted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may take. Tests make them smaller."""

    connect_seconds: float = 5.0
    """A host that does not even accept a connection by then is down."""

    silence_seconds: float = 15.0
    """GitHub ends its own work on a request after 10 s."""

    request_seconds: float = 30.0
    """The whole of one request with its redirects; an answer that drips ends here."""

    body_bytes: int = 32 * 1024 * 1024
    """A page of a hundred issues with the longest texts that GitHub takes is a quarter of it."""

    redirects: int = 3
    """A repository that was renamed answers with one."""

    connections: int = 8
    """How many requests run at once; GitHub asks for moderation."""


DEFAULT_LIMITS = Limits()


@dataclass(slots=True, kw_only=True)
class Traffic:
    """What was asked of GitHub so far. `free` are the answers that nothing changed, which cost
    nothing of the rate limit. `remaining` is what GitHub said last of each limit."""

    requests: int = 0
    free: int = 0
    remaining: dict[str, int]


class GitHubClient:
    """`key` is the setting that the token comes from, for errors. `now` and `elapsed` are the
    clocks: the time with a zone, and seconds that only grow."""

    def __init__(
        self,
        addresses: Addresses,
        token: str,
        *,
        key: str = "token",
        limits: Limits = DEFAULT_LIMITS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.addresses = addresses
        self.key = f"tracker.provider.{key}"
        self.limits = limits
        self.traffic = Traffic(remaining={})
        self.now = now
        self._elapsed = elapsed
        self._token = token
        self._http: httpx.AsyncClient | None = None
        self._held: tuple[float, TrackerError] | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str | int] | None = None,
        body: JsonValue = None,
        changes_nothing: bool = True,
        may_follow: Callable[[str], bool] = lambda _: True,
    ) -> Answer:
        """The answer, whatever its status. Raises `TrackerError` for what prevents one, and for a
        rate limit.

        What `changes_nothing` is sent once more if the connection broke, and its redirects are
        followed as far as `may_follow` allows; others are answers.
        """
        self._respect_hold()
        request = httpx.Request(
            method, url, params=parameters, json=body, headers=self._headers(headers)
        )
        try:
            with anyio.fail_after(self.limits.request_seconds):
                return await self._follow(request, changes_nothing, may_follow)
        except TimeoutError:
            raise self._too_slow(self.limits.request_seconds) from None

    async def aclose(self) -> None:
        """Close the connections. Idempotent; a later request opens new ones."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _follow(
        self, request: httpx.Request, changes_nothing: bool, may_follow: Callable[[str], bool]
    ) -> Answer:
        for _ in range(self.limits.redirects + 1):
            answer = await self._send(request, changes_nothing)
            location = answer.headers.get("location")
            if not (300 <= answer.status < 400 and location) or not changes_nothing:
                return answer
            if request.method != "GET" and answer.status not in (307, 308):
                return answer
            target = joined(answer.url, location)
            if not same_origin(target, self.addresses.rest):
                raise TrackerError(
                    "tracker_request",
                    "tracker.provider.api_url: GitHub redirects to another origin, where the token "
                    f"is not sent ({answer.status}). Check the address",
                    status=answer.status,
                )
            if not may_follow(target):
                return answer
            request = httpx.Request(
                request.method, target, headers=request.headers, content=request.content
            )
        raise TrackerError(
            "tracker_request", f"GitHub redirected more than {self.limits.redirects} times"
        )

    async def _send(self, request: httpx.Request, may_repeat: bool) -> Answer:
        for attempt in (1, 2):
            try:
                return await self._exchange(request)
            except httpx.TimeoutException:
                raise self._too_slow(self.limits.silence_seconds) from None
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
                # A kept connection may have been closed by the other side just now.
                if attempt == 2 or not may_repeat:
                    raise self._unreachable(error) from None
            except (httpx.TransportError, httpx.DecodingError) as error:
                raise self._unreachable(error) from None
        raise AssertionError("both attempts neither answered nor failed")

    async def _exchange(self, request: httpx.Request) -> Answer:
        self.traffic.requests += 1
        response = await self._client().send(request, stream=True)
        try:
            body = await self._body(response)
        finally:
            await response.aclose()
        answer = Answer(
            url=str(response.request.url),
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            # Whatever an answer repeats, no error, log line or result shall.
            body=body.replace(self._token.encode(), REDACTED),
        )
        self._note(answer)
        return answer

    async def _body(self, response: httpx.Response) -> bytes:
        parts = bytearray()
        async for chunk in response.aiter_bytes():
            parts += chunk
            if len(parts) > self.limits.body_bytes:
                raise TrackerError(
                    "tracker_response",
                    f"GitHub's answer exceeds {self.limits.body_bytes} bytes",
                    status=response.status_code,
                )
        return bytes(parts)

    def hold(self, error: TrackerError) -> None:
        """Send nothing until the patience that the error asks for is over."""
        self._held = (self._elapsed() + (error.retry_after_ms or 0) / 1000, error)

    def _note(self, answer: Answer) -> None:
        headers = answer.headers
        self.traffic.free += answer.status == 304
        left = headers.get("x-ratelimit-remaining", "")
        if left.isascii() and left.isdigit():
            self.traffic.remaining[headers.get("x-ratelimit-resource", "core")] = int(left)
        wait_ms = patience_of(answer, self.now())
        if wait_ms is not None:
            error = rate_limited(answer, wait_ms)
            self.hold(error)
            raise error

    def _respect_hold(self) -> None:
        if self._held is None:
            return
        until, error = self._held
        left = until - self._elapsed()
        if left <= 0:
            self._held = None
            return
        raise TrackerError(
            error.category,
            error.message,
            retry_after_ms=max(1, round(left * 1000)),
            status=error.status,
        )

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            limits = self.limits
            encrypted = self.addresses.rest.startswith("https:")
            self._http = httpx.AsyncClient(
                timeout=httpx.Timeout(limits.silence_seconds, connect=limits.connect_seconds),
                limits=httpx.Limits(max_connections=limits.connections),
                # Without encryption a proxy would read the token.
                trust_env=encrypted,
                verify=encrypted,
            )
        return self._http

    def _headers(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return {
            "Accept": MEDIA_TYPE,
            "Authorization": f"Bearer {self._token}",
            "User-Agent": USER_AGENT,
            "X-GitHub-Api-Version": API_VERSION,
            **(more or {}),
        }

    def _too_slow(self, seconds: float) -> TrackerError:
        return TrackerError(
            "tracker_request", f"{self.addresses.rest} did not answer within {seconds:g} s"
        )

    def _unreachable(self, error: Exception) -> TrackerError:
        reason = str(error) or type(error).__name__
        return TrackerError(
            "tracker_request", f"{self.addresses.rest} is not to be reached: {reason}"
        )
