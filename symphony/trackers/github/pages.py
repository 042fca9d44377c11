"""Lists of GitHub's REST interface, whole or not at all, and free of charge while nothing changes.

Each page is remembered with its entity tag and asked for again on the condition that it changed; an
answer of 304 costs nothing of the rate limit. What a page is parsed into is remembered with it, so
that an unchanged page is not parsed again. Pages are followed by the `Link` header; one that comes
twice, or more than `MAXIMUM_PAGES`, fails the read (`tracker.pages.integrity`).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from urllib.parse import urlencode

from symphony.domain.json import JsonValue, as_array
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.addresses import joined, same_origin
from symphony.trackers.github.answers import Answer, json_of
from symphony.trackers.github.client import GitHubClient

PAGE_SIZE = 100
"""The most that GitHub gives at once."""

MAXIMUM_PAGES = 200
"""20,000 records. Beyond that a poll would take minutes and the hour's limit."""

REMEMBERED_PAGES = 512
"""Two full walks and some blockers. The oldest go first."""

_NEXT = re.compile(r'<([^<>]*)>\s*;[^<]*?\brel="?next"?')

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page(Generic[Parsed]):
    tag: str | None
    content: Parsed
    next_url: str | None


class Pages(Generic[Parsed]):
    """Lists of one kind. `parse` turns one page's array into what is remembered of it."""

    def __init__(
        self, client: GitHubClient, parse: Callable[[Sequence[JsonValue]], Parsed]
    ) -> None:
        self._client = client
        self._parse = parse
        self._remembered: OrderedDict[str, _Page[Parsed]] = OrderedDict()

    async def read(
        self,
        path: str,
        parameters: Mapping[str, str | int],
        refused: Callable[[Answer], TrackerError],
    ) -> list[Parsed]:
        """Every page of the list. Raises `TrackerError`, by `refused` for an answer other than
        200."""
        query = urlencode({**parameters, "per_page": PAGE_SIZE})
        url: str | None = f"{self._client.addresses.rest}{path}?{query}"
        pages: dict[str, _Page[Parsed]] = {}
        while url is not None:
            if url in pages:
                raise TrackerError(
                    "tracker_pagination", f"GitHub's list {path} leads back to a page it began with"
                )
            if len(pages) >= MAXIMUM_PAGES:
                raise TrackerError(
                    "tracker_pagination",
                    f"GitHub's list {path} has more than {MAXIMUM_PAGES} pages of {PAGE_SIZE}; a "
                    "part of it would be a wrong answer. Narrow the scope: states by label, or a "
                    "smaller project",
                )
            page = pages[url] = await self._page(url, refused)
            url = page.next_url
        # Not before: what a failed read was told may have been its fault.
        for each, page in pages.items():
            self._remember(each, page)
        return [page.content for page in pages.values()]

    async def _page(self, url: str, refused: Callable[[Answer], TrackerError]) -> _Page[Parsed]:
        known = self._remembered.get(url)
        condition = {"If-None-Match": known.tag} if known is not None and known.tag else {}
        answer = await self._client.request("GET", url, headers=condition)
        if answer.status == 304 and known is not None:
            # The tag stands for the content alone: a page that did not change may have got a next.
            if "link" in answer.headers:
                return replace(known, next_url=self._next(answer))
            return known
        if answer.status != 200:
            raise refused(answer)
        entries = as_array(json_of(answer))
        if entries is None:
            raise TrackerError("tracker_response", "GitHub answered a list with something else")
        next_url = self._next(answer)
        # The next issue opens a page after a full one, and an unchanged answer might not say so:
        # such a page is asked for without a condition.
        is_full_end = next_url is None and len(entries) >= PAGE_SIZE
        return _Page(
            tag=None if is_full_end else answer.headers.get("etag"),
            content=self._parse(entries),
            next_url=next_url,
        )

    def _remember(self, url: str, page: _Page[Parsed]) -> None:
        self._remembered[url] = page
        self._remembered.move_to_end(url)
        while len(self._remembered) > REMEMBERED_PAGES:
            self._remembered.popitem(last=False)

    def _next(self, answer: Answer) -> str | None:
        found = _NEXT.search(answer.headers.get("link", ""))
        if found is None:
            return None
        url = joined(answer.url, found.group(1))
        if not same_origin(url, self._client.addresses.rest):
            raise TrackerError(
                "tracker_pagination", "GitHub's next page is at another origin; it is not asked"
            )
        return url
