"""Asking a running daemon over its HTTP interface, which is found by the workspace root."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass

from symphony.cli.board import EXIT_NOT_VISIBLE, QuestionError, compose
from symphony.documents.references import resolve_secret
from symphony.domain.json import JsonObject, JsonValue, as_object, as_text
from symphony.observability.address import address_file, find
from symphony.processes.lock import find_holders

TIMEOUT_S = 10.0

EXIT_NO_DAEMON = 3
EXIT_NO_ANSWER = 5

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


def find_daemon(path: str | None, url: str | None) -> Place:
    """Where the daemon of this workflow can be asked. Raises `QuestionError`."""
    settings = compose(path).settings
    token = resolve_secret(settings.server_token, os.environ)
    if url is not None:
        return Place(url=url if url.endswith("/") else f"{url}/", token=token)
    root = settings.workspace.root
    holders = find_holders(root)
    if not holders:
        message = f"error: no daemon runs on {root}. Start it with `symphony`."
        raise QuestionError(message, EXIT_NO_DAEMON)
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


def ask(place: Place, path: str, *, method: str = "GET") -> JsonObject:
    """One answer. Raises `QuestionError` with what the daemon says, or that it says nothing."""
    import httpx

    headers: Mapping[str, str] = (
        {} if place.token is None else {"Authorization": f"Bearer {place.token}"}
    )
    try:
        # Proxies are for the outside; redirects do not happen.
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            response = client.request(method, place.url + path, headers=headers)
        value: JsonValue = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise QuestionError(
            f"error: the daemon at {place.url} does not answer: {type(error).__name__}: {error}",
            EXIT_NO_ANSWER,
        ) from None
    answer = as_object(value) or {}
    problem = as_object(answer.get("error"))
    if problem is not None:
        code = EXIT_NOT_VISIBLE if response.status_code == 404 else EXIT_NO_ANSWER
        raise QuestionError(f"error: {as_text(problem.get('message')) or 'no reason'}", code)
    return answer
