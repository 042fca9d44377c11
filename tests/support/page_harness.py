"""Pages in a real browser, with a script of the test beside their own that tells what it sees.

The script stands in an address of its own, as the policy of the page demands. It may call `tell`
with something that JSON has a form for, `until` with a condition, and `refused`, the list of what
the policy kept the page from doing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx
from anyio.streams.memory import MemoryObjectReceiveStream
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router

from symphony.domain.json import JsonObject, as_object
from symphony.http.endpoints import Services
from symphony.http.page.routes import page_routes
from tests.support.browser import PATIENCE_S, Browser
from tests.support.http_view import MemoryView, served

MAX_REPORTS = 100
"""None tells more than a few."""

PHONE_PX = 390
_FRAMED = {"X-Frame-Options": "SAMEORIGIN"}
_FRAMES = {"Content-Security-Policy": "frame-src 'self'"}

_PRELUDE = """
"use strict";
const refused = [];
document.addEventListener("securitypolicyviolation", (e) => refused.push(e.violatedDirective));
const tell = (what) =>
  fetch("/harness/report", { method: "POST", body: JSON.stringify(what) });
const until = (test) =>
  new Promise((done) => {
    const look = () => {
      const value = test();
      if (value) done(value);
      else setTimeout(look, 20);
    };
    look();
  });
const first = (selector) => document.querySelector(selector);
addEventListener("error", (e) => tell({ error: String(e.message) }));
"""


@dataclass(slots=True)
class Harness:
    """`broken` lets the next pages be refused, as by a daemon that is in trouble."""

    reports: MemoryObjectReceiveStream[JsonObject]
    broken: bool = False
    asked: int = 0
    asked_again: anyio.Event = field(default_factory=anyio.Event)

    def count(self) -> None:
        """The page was asked for."""
        self.asked += 1
        if self.asked > 1:
            self.asked_again.set()

    async def told(self) -> JsonObject:
        """What the script tells next."""
        with anyio.fail_after(PATIENCE_S):
            report = await self.reports.receive()
        assert "error" not in report, report
        return report


@asynccontextmanager
async def shown(
    view: MemoryView, script: str, home: Path, *switches: str, path: str = "/", phone: bool = False
) -> AsyncGenerator[Harness]:
    """The page at `path` in a browser, with this script, until the block ends.

    On a `phone` it stands in a frame as wide as one: a browser makes no window that narrow.
    """
    sending, receiving = anyio.create_memory_object_stream[JsonObject](MAX_REPORTS)
    harness = Harness(receiving)

    def routes(services: Services) -> Sequence[BaseRoute]:
        pages = page_routes(services)
        own = Router(list(pages))

        async def page(request: Request) -> Response:
            harness.count()
            if harness.broken:
                return Response("no page", status_code=500)
            return await _with_script(own, "/" + request.path_params["rest"])

        async def frame(request: Request) -> Response:
            source = "/harness/page/" + request.path_params["rest"]
            html = f'<iframe width="{PHONE_PX}" height="800" frameborder="0" src="{source}">'
            return Response(html, media_type="text/html", headers={**_FRAMED, **_FRAMES})

        async def source(request: Request) -> Response:
            del request
            text = f"{_PRELUDE}\n(async () => {{\n{script}\n}})();"
            return Response(text, media_type="text/javascript")

        async def report(request: Request) -> Response:
            told = as_object(json.loads(await request.body()))
            assert told is not None
            sending.send_nowait(told)
            return Response(status_code=204)

        return (
            Route("/harness/script.js", source),
            Route("/harness/report", report, methods=["POST"]),
            Route("/harness/page/{rest:path}", page),
            Route("/harness/phone/{rest:path}", frame),
            *pages,
        )

    async with sending, receiving, served(view, extra_routes=routes) as site:
        kind = "phone" if phone else "page"
        address = f"http://127.0.0.1:{site.port}/harness/{kind}{path}"
        async with Browser(home).opened(address, *switches):
            yield harness


async def _with_script(pages: Router, path: str) -> Response:
    transport = httpx.ASGITransport(pages)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get(path)
    html = answer.text.replace("</body>", '<script src="/harness/script.js" defer></script></body>')
    headers = {
        name: value for name, value in answer.headers.items() if not name.startswith("content-l")
    }
    policy = headers["content-security-policy"]
    headers["content-security-policy"] = policy.replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    )
    return Response(html, status_code=answer.status_code, headers={**headers, **_FRAMED})
