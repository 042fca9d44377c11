"""The wire to Linear: an HTTP client that cannot be led astray.

A request goes to the configured origin and nowhere else, whatever the answers say; it ends in
bounded time, and its answer has a bounded size. What is not a result is raised as
`RefusedAnswerError`. Importing httpx, making a client and reading the certificates takes longer
than the event loop may stand still: all of it happens when the tracker is made.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Collection
from urllib.parse import urlsplit

import anyio
import httpx

from symphony.trackers.errors import TrackerError
from symphony.trackers.linear.bounds import Bounds
from symphony.trackers.linear.failures import API_KEY, refusal
from symphony.trackers.linear.settings import is_loopback

REPEATABLE_REDIRECTS = frozenset({301, 302, 307, 308})
"""Those after which the same request may be sent again. 303 means that it was carried out."""

OAUTH_PREFIX = "lin_oauth_"


class GuardedClient(httpx.AsyncClient):
    """Sends to one origin. Answers other than 200 are raised as `RefusedAnswerError`, which names
    the setting `key_name` where the key is to blame."""

    def __init__(
        self,
        endpoint: str,
        key: str,
        *,
        bounds: Bounds,
        secrets: Collection[str],
        key_name: str = API_KEY,
    ) -> None:
        local = is_loopback(urlsplit(endpoint).hostname or "")
        self.endpoint = endpoint
        super().__init__(
            headers={"Authorization": authorization(key), "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(bounds.silence_seconds, connect=bounds.connect_seconds),
            limits=httpx.Limits(
                max_connections=bounds.connections, keepalive_expiry=bounds.idle_seconds
            ),
            # Proxies and certificates of the environment, except where nothing leaves the machine.
            trust_env=not local,
            verify=_no_certificates() if endpoint.startswith("http:") else True,
        )
        self._bounds = bounds
        self._secrets = secrets
        self._key_name = key_name

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: object = None,
        follow_redirects: object = None,
    ) -> httpx.Response:
        """Send, and read the whole answer. Raises `TrackerError`, `httpx.TransportError`."""
        del stream, auth, follow_redirects
        try:
            with anyio.fail_after(self._bounds.request_seconds):
                response = await self._send(request)
        except TimeoutError:
            seconds = f"{self._bounds.request_seconds:g} s"
            message = f"{_origin(request.url)} did not answer in full within {seconds}"
            raise TrackerError("tracker_request", message) from None
        if response.status_code != 200:
            raise refusal(
                response.status_code,
                response.headers,
                response.content,
                now_ms=time.time() * 1000,
                secrets=self._secrets,
                key=self._key_name,
            )
        return response

    async def _send(self, request: httpx.Request) -> httpx.Response:
        for _ in range(self._bounds.redirects + 1):
            response = await super().send(request, stream=True, follow_redirects=False)
            try:
                if not response.has_redirect_location:
                    return await self._whole(response)
                request = self._redirected(request, response)
            finally:
                await response.aclose()
        raise TrackerError(
            "tracker_status", f"more than {self._bounds.redirects} redirects in a row"
        )

    def _redirected(self, request: httpx.Request, response: httpx.Response) -> httpx.Request:
        """The same request at another place of the same origin (`tracker.redirect.secret`)."""
        status = response.status_code
        try:
            target = request.url.join(response.headers["Location"])
        except (httpx.InvalidURL, ValueError):
            raise TrackerError(
                "tracker_status", f"HTTP {status} to what is no address", status=status
            ) from None
        if _origin(target) != _origin(request.url) or status not in REPEATABLE_REDIRECTS:
            raise TrackerError(
                "tracker_status",
                f"tracker.provider.endpoint: {_origin(request.url)} answered HTTP {status} and "
                f"points to {_origin(target)}; the key is not sent there. If that is the right "
                "place, write its address",
                status=status,
            )
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        return self.build_request(request.method, target, headers=headers, content=request.content)

    async def _whole(self, response: httpx.Response) -> httpx.Response:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self._bounds.answer_bytes:
                limit = f"{self._bounds.answer_bytes:,} bytes"
                raise TrackerError("tracker_response", f"Linear's answer has more than {limit}")
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name not in ("content-encoding", "content-length", "transfer-encoding")
        ]
        return httpx.Response(
            response.status_code, headers=headers, content=bytes(body), request=response.request
        )


def authorization(key: str) -> str:
    """Personal keys go bare, tokens of applications as bearers."""
    return f"Bearer {key}" if key.startswith(OAUTH_PREFIX) else key


def _origin(url: httpx.URL) -> str:
    """Scheme, host and port; no path, which could hold anything."""
    port = url.port or {"https": 443, "http": 80}.get(url.scheme)
    return f"{url.scheme}://{url.host}:{port}"


def _no_certificates() -> ssl.SSLContext:
    """Loading the authorities costs 3 MB and is of no use where no TLS is spoken."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
