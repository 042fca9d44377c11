"""Asking a running daemon over its HTTP interface, which is found by the workspace root."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from symphony.cli.board import EXIT_NOT_VISIBLE, QuestionError, compose
from symphony.documents.references import resolve_secret
from symphony.domain.json import JsonObject, as_object, as_text, parse_json
from symphony.domain.settings import Settings
from symphony.observability.address import address_file, find
from symphony.processes.lock import find_holders

TIMEOUT_S = 10.0
"""For one answer as a whole; a daemon that answers at all answers at once."""
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
"""The state of a hundred thousand issues. Something else that listens there may never stop."""

EXIT_NO_DAEMON = 3
EXIT_NO_ANSWER = 5
EXIT_REFUSED = 6
_EXIT_CODES = {404: EXIT_NOT_VISIBLE, 400: EXIT_REFUSED, 409: EXIT_REFUSED}

EXIT_CODES = """\
exit codes:
  0  done
  1  WORKFLOW.md cannot be used
  3  no daemon runs on its workspace root, or it has no HTTP interface
  5  the daemon does not answer
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`url` ends with a slash; `token` is what the interface wants to see."""

    url: str
    token: str | None = None


def add_place(parser: argparse.ArgumentParser) -> None:
    """The arguments that say which daemon is meant."""
    parser.add_argument(
        "path", nargs="?", metavar="PATH", help="its workflow file (default: ./WORKFLOW.md)"
    )
    parser.add_argument(
        "--url", help="address of its HTTP interface (default: found by the workspace root)"
    )


class NoDaemonError(QuestionError):
    """None runs on the workspace root."""


def find_daemon(path: str | None, url: str | None) -> Place:
    """Where the daemon of this workflow can be asked. Raises `QuestionError`."""
    return place_of_daemon(compose(path).settings, url)


def place_of_daemon(settings: Settings, url: str | None) -> Place:
    """Where the daemon with these settings can be asked. Raises `QuestionError`."""
    token = resolve_secret(settings.server_token, os.environ)
    if url is not None:
        return Place(url=url if url.endswith("/") else f"{url}/", token=token)
    root = settings.workspace.root
    holders = find_holders(root)
    if not holders:
        message = f"error: no daemon runs on {root}. Start it with `symphony`."
        raise NoDaemonError(message, EXIT_NO_DAEMON)
    file = address_file(root, os.environ)
    address = None if file is None else find(file)
    if address is None or address.pid not in holders:
        pids = ", ".join(map(str, holders))
        raise QuestionError(
            f"error: the daemon on {root} (process {pids}) has no HTTP interface. Start it with "
            "`--port 0`, or set server.port; if it has one, name it by --url.",
            EXIT_NO_DAEMON,
        )
    return Place(url=address.url, token=token)


def ask(
    place: Place, path: str, *, body: JsonObject | None = None, timeout_s: float = TIMEOUT_S
) -> JsonObject:
    """One answer; with a `body`, to a wish. Raises `QuestionError` with what the daemon says, or
    that it says nothing."""
    import httpx

    # No compression: a small answer must not grow beyond the bound.
    headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
    method, content = ("GET", None) if body is None else ("POST", json.dumps(body))
    if place.token is not None:
        headers["Authorization"] = f"Bearer {place.token}"
    try:
        with (
            # Proxies are for the outside; redirects do not happen.
            httpx.Client(timeout=timeout_s, trust_env=False) as client,
            client.stream(method, place.url + path, headers=headers, content=content) as response,
        ):
            status = response.status_code
            data = _bounded(response.iter_raw(), time.monotonic() + timeout_s)
    except (httpx.HTTPError, httpx.InvalidURL, _UnboundedError) as error:
        reason = str(error) or type(error).__name__
        raise _no_answer(f"the daemon at {place.url} does not answer: {reason}") from None
    answer = as_object(parse_json(data))
    if answer is None:
        message = (
            f"what answers at {place.url} is no daemon (status {status}). Is it the right one?"
        )
        raise _no_answer(message)
    problem = as_object(answer.get("error"))
    if problem is not None:
        code = _EXIT_CODES.get(status, EXIT_NO_ANSWER)
        raise QuestionError(f"error: {as_text(problem.get('message')) or 'no reason'}", code)
    return answer


class _UnboundedError(Exception):
    """The answer is too long, or takes too long."""


def _bounded(parts: Iterator[bytes], deadline: float) -> bytes:
    data = bytearray()
    for part in parts:
        data += part
        if len(data) > LARGEST_ANSWER_BYTES:
            megabytes = LARGEST_ANSWER_BYTES // (1024 * 1024)
            raise _UnboundedError(f"its answer has more than {megabytes} MiB, which no board needs")
        if time.monotonic() > deadline:
            raise _UnboundedError("its answer did not end in time")
    return bytes(data)


def _no_answer(words: str) -> QuestionError:
    return QuestionError(f"error: {words}", EXIT_NO_ANSWER)
