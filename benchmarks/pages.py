"""The HTTP interface while a hundred agents talk and ten people look."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import httpx

from benchmarks.boards import LinearBoard
from benchmarks.site import PATIENCE_S, Site

SESSIONS: Final = 100
LINES_A_SECOND: Final = 20
PAGES: Final = 10
SECONDS: Final = float(os.environ.get("BENCHMARK_SECONDS", "30"))
"""Of looking; ten minutes show whether memory grows."""
BETWEEN_CALLS_S: Final = 0.05
PAGE_EVERY_S: Final = 1.0
"""A page asks for itself again so often while things change."""


def ten_pages() -> dict[str, float]:
    """How long a status call takes meanwhile, what the daemon needs, and whether it grows."""
    with Site(LinearBoard(SESSIONS), agent=f"--chatty {LINES_A_SECOND}", slots=SESSIONS) as site:
        site.start("--port", "0")
        site.wait_for_sessions(SESSIONS)
        url = _url(site.log())
        over = threading.Event()
        pages = [threading.Thread(target=_look, args=(url, over)) for _ in range(PAGES)]
        for page in pages:
            page.start()
        try:
            with _deaf_reader(url):
                figures = _call(site, url)
        finally:
            over.set()
            for page in pages:
                page.join(PATIENCE_S)
    label = f"{SESSIONS} sessions of {LINES_A_SECOND} lines/s, {PAGES} pages"
    return {f"{label}: {name}": value for name, value in figures.items()}


def _call(site: Site[LinearBoard], url: str) -> dict[str, float]:
    took: list[float] = []
    with httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_S) as client:
        client.get("api/v1/state")
        memory, processor, began = site.resident_mb(), site.processor_seconds(), time.monotonic()
        while time.monotonic() < began + SECONDS:
            asked = time.monotonic()
            client.get("api/v1/state").raise_for_status()
            took.append(time.monotonic() - asked)
            time.sleep(BETWEEN_CALLS_S)
        seconds = time.monotonic() - began
        clients = _clients(client.get("metrics").text)
    return {
        "median status call, ms": _percentile(took, 50) * 1000,
        "99 of 100 status calls within, ms": _percentile(took, 99) * 1000,
        "processor, % of a core": (site.processor_seconds() - processor) / seconds * 100,
        "MB before": memory,
        "MB after": site.resident_mb(),
        "readers of the event stream at the end": clients,
    }


def _look(url: str, over: threading.Event) -> None:
    """As the page's script does: told of a change, ask for the page, at most once in a while."""
    due = 0.0
    with (
        suppress(httpx.HTTPError),
        httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_S) as client,
        client.stream("GET", "api/v1/events") as stream,
    ):
        for _ in stream.iter_raw():
            if over.is_set():
                return
            if time.monotonic() >= due:
                due = time.monotonic() + PAGE_EVERY_S
                client.get("")


def _deaf_reader(url: str) -> socket.socket:
    """Asks for the event stream and reads nothing of it: the daemon has to drop it."""
    parts = urlsplit(url)
    reader = socket.create_connection((parts.hostname or "", parts.port or 0))
    request = f"GET /api/v1/events HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n"
    reader.sendall(request.encode())
    return reader


def _url(log: str) -> str:
    found = re.search(r"event=http_listening .*url=(\S+)", log)
    if found is None:
        raise SystemExit(f"the daemon does not listen:\n{log[-2000:]}")
    return found.group(1)


def _clients(metrics: str) -> float:
    found = re.search(r"^symphony_\S*(?:clients|readers)\S* ([0-9.]+)$", metrics, re.MULTILINE)
    return float(found.group(1)) if found else -1.0


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]
