"""Bytes of any kind at the HTTP interface, which answers or hangs up, and goes on.

The long profile sends as many requests as `SYMPHONY_FUZZ_REQUESTS` says.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Final

import anyio
import pytest

from symphony.http.connection import BoundedConnection, ConnectionLimits
from tests.support.demo_snapshots import EMPTY, issue, waiting
from tests.support.http_view import PATIENCE_S, TOKEN, MemoryView, ServedSite, served, with_token

pytestmark = pytest.mark.anyio

REQUESTS = int(os.environ.get("SYMPHONY_FUZZ_REQUESTS", "600"))
AT_ONCE: Final = 20
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")

METHODS: Final = (
    *(
        b"GET",
        b"GET",
        b"GET",
        b"HEAD",
        b"POST",
        b"PUT",
        b"DELETE",
        b"OPTIONS",
        b"TRACE",
        b"CONNECT",
    ),
    *(b"get", b"G\0T", b"", b"PRI", b"x" * 70_000, b"GET GET", b"\xff"),
)
TARGETS: Final = (
    *(b"/", b"/api/v1/state", b"/api/v1/refresh", b"/api/v1/MT-1", b"/metrics", b"/healthz"),
    *(b"/static/../../../etc/passwd", b"/static/%2e%2e/%2e%2e/etc/passwd", b"/static//etc/passwd"),
    *(b"/issues/MT-1", b"/issues/..%2f..%2f", b"/api/v1/%00", b"/api/v1/%ff", b"/%", b"/%zz", b"*"),
    *(
        b"/api/v1/" + b"x" * 60_000,
        b"http://evil.example/",
        b"//evil.example/",
        b"\\",
        b"",
        b"/?a=%",
    ),
    *(
        b"/api/v1/openapi.json",
        b"/static/page.css",
        b"/static/page.js%00.css",
        b"/\xf0\x9f\x92\xa9",
    ),
    *(b"/api/v1/" + b"%25" * 5_000, b"/api/v1/state#x", b"/api/v1/state?" + b"a=1&" * 5_000),
)
VERSIONS: Final = (*[b"HTTP/1.1"] * 20, b"HTTP/1.0", b"HTTP/2", b"HTTP/9.9", b"")
HOSTS: Final = (
    *(
        b"localhost",
        b"localhost",
        b"127.0.0.1",
        b"[::1]",
        b"evil.example",
        b"localhost.evil.example",
    ),
    *(
        b"",
        b"[",
        b"localhost:99999",
        b"\xff",
        b"127.0.0.1@evil.example",
        b"localhost, evil.example",
    ),
)
HEADERS: Final = (
    *(b"Origin: http://evil.example", b"Origin: null", b"Origin: http://[", b"Origin: \xff"),
    *(
        b"Authorization: Bearer " + TOKEN.encode()[:-1],
        b"Authorization: Basic x",
        b"Authorization:",
    ),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Content-Length: 5"),
    *(b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Content-Length: 5, 6"),
    *(b"Content-Length: 5\r\nContent-Length: 6", b"Expect: 100-continue", b"Connection: upgrade"),
    *(
        b"Upgrade: h2c\r\nConnection: upgrade",
        b"X: " + b"y" * 20_000,
        b"no colon",
        b" folded: line",
    ),
    *(b"Cookie: " + b"a=b;" * 3_000, b"\0: x", b"X:\x7f", b"Range: bytes=0-,-1", b"Host: second"),
    *(b"Accept: " + b"*/*," * 1_000, b"If-None-Match: *", b"Accept-Encoding: gzip;q=x", b""),
)
BODIES: Final = (
    b"",
    b"",
    b"{}",
    b"[" * 50_000,
    b"{",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"-1\r\n",
    b"x" * 20_000,
)


class Short(BoundedConnection):
    """Gives up soon on who does not finish."""

    limits = ConnectionLimits(request_s=0.3, unsent_s=0.3, look_s=0.05)


def wrong_request(random: Random) -> bytes:
    """Some of it is a request at times."""
    target, method = random.choice(TARGETS), random.choice(METHODS)
    if random.random() < 0.3:
        target = random.choice(TARGETS[:6])
    line = b" ".join((method, target, random.choice(VERSIONS)))
    headers = [b"Host: " + random.choice(HOSTS)] if random.random() < 0.9 else []
    headers += random.sample(HEADERS, random.choice((0, 0, 1, 1, 2, 5)))
    if random.random() < 0.3:
        headers.append(b"Authorization: Bearer " + TOKEN.encode())
    data = b"\r\n".join((line, *headers, b"", random.choice(BODIES)))
    for _ in range(random.choice((0, 0, 0, 1, 5))):
        at = random.randrange(len(data))
        data = data[:at] + random.randbytes(random.randrange(3)) + data[at + random.randrange(3) :]
    return data


async def exchange(site: ServedSite, data: bytes, tally: Counter[str]) -> None:
    """Send it all, or as much as is taken, and hear the answer to its end."""
    received = b""
    with anyio.fail_after(PATIENCE_S):
        async with await anyio.connect_tcp("127.0.0.1", site.port) as stream:
            try:
                await stream.send(data)
                await stream.send_eof()
                async for part in stream:
                    received += part
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
                pass
    assert b"root:" not in received
    statuses = STATUS.findall(received)
    tally[statuses[0].decode() if statuses else "hung up"] += 1
    assert b"500" not in statuses, (data[:300], received[:300])


@pytest.mark.proves("http.failure.isolated")
@pytest.mark.parametrize("token", [False, True])
async def test_whatever_is_sent_is_answered_or_hung_up_on(
    token: bool, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(7)  # noqa: S311
    rows = (waiting(issue("MT-1")), waiting(issue("/etc/passwd")))
    view = MemoryView(replace(EMPTY, skipped=rows), with_token() if token else None)
    tally: Counter[str] = Counter()
    async with served(view, connection=Short) as site:
        for _ in range(REQUESTS // AT_ONCE):
            async with anyio.create_task_group() as clients:
                for _ in range(AT_ONCE):
                    clients.start_soon(exchange, site, wrong_request(random), tally)
            assert (await site.client.get("/healthz")).status_code == 200
    # Nobody outside makes the daemon look defective, or fills its log.
    assert [each for each in caplog.records if each.name != "symphony.http.server"] == []
    assert tally["400"] > 0
    assert tally["200"] > 0
    assert view.polls > 0
    if token:
        assert tally["401"] > 0
    else:
        assert tally["403"] > 0
