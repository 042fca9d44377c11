"""Relay connections over lists of the world: filter, order, cursor, page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice

from conformance.fakes.entities import Entity
from conformance.fakes.linear.chaos import Chaos
from conformance.fakes.linear.errors import input_error
from conformance.fakes.linear.filters import FilterValue, matches
from conformance.fakes.linear.links import Links

DEFAULT_PAGE = 50
LARGEST_PAGE = 250
"""The sizes that Linear uses where none is asked for, and at most."""

_FAR_FUTURE_MS = 10**15
_KEYS_KEPT = 50_000
"""Two for each entity of a large world, which is paged through again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """The arguments of a connection."""

    first: int | None
    last: int | None
    after: str | None
    before: str | None
    order_by: str | None
    include_archived: bool
    filter: FilterValue

    @staticmethod
    def of(arguments: Mapping[str, object]) -> PageRequest:
        """From the arguments as GraphQL coerced them."""
        first, last = arguments.get("first"), arguments.get("last")
        after, before = arguments.get("after"), arguments.get("before")
        order, wanted = arguments.get("orderBy"), arguments.get("filter")
        return PageRequest(
            first=first if isinstance(first, int) else None,
            last=last if isinstance(last, int) else None,
            after=after if isinstance(after, str) else None,
            before=before if isinstance(before, str) else None,
            order_by=order if isinstance(order, str) else None,
            include_archived=arguments.get("includeArchived") is True,
            filter=wanted if isinstance(wanted, dict) else {},  # pyright: ignore[reportUnknownArgumentType]
        )


def connection(
    links: Links,
    items: Sequence[Entity],
    request: PageRequest,
    chaos: Chaos,
    largest: int | None = None,
) -> dict[str, object]:
    """`nodes`, `edges` and `pageInfo`. Pages never hold more than `largest`."""
    _check(request)
    size = min(request.first or request.last or DEFAULT_PAGE, LARGEST_PAGE, largest or LARGEST_PAGE)
    backward = request.last is not None
    lower, upper = _decode(request.after), _decode(request.before)
    # The filter is the dear part: it sees what lies within the cursors, in order, until the page is
    # full and one more entry is found.
    within = _within(items, request, chaos, lower, upper)
    found = (
        (key, within[key])
        for key in sorted(within, reverse=backward)
        if matches(links, within[key], request.filter)
    )
    page = list(islice(found, size + 1))
    cut = len(page) > size
    page = page[:size]
    if backward:
        page.reverse()
    cursors = [_encode(key) for key, _ in page]
    return {
        "nodes": [each for _, each in page],
        "edges": [
            {"cursor": cursor, "node": each}
            for cursor, (_, each) in zip(cursors, page, strict=True)
        ],
        "pageInfo": {
            "hasNextPage": (upper is not None) if backward else cut,
            "hasPreviousPage": cut if backward else lower is not None,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def _check(request: PageRequest) -> None:
    if request.first is not None and request.last is not None:
        raise input_error("Argument Validation Error: first and last exclude each other")
    for size in (request.first, request.last):
        if size is not None and not 0 <= size <= LARGEST_PAGE:
            raise input_error(f"Argument Validation Error: a page has 0 to {LARGEST_PAGE} entries")


def _within(
    items: Iterable[Entity],
    request: PageRequest,
    chaos: Chaos,
    lower: str | None,
    upper: str | None,
) -> dict[str, Entity]:
    """What lies between the cursors and may be shown at all, by key, which is one for each id."""
    keyed = (
        (_key(each, request.order_by, chaos), each)
        for each in items
        if request.include_archived or each.archived_at is None
    )
    return {
        key: each
        for key, each in keyed
        if (lower is None or key > lower) and (upper is None or key < upper)
    }


def _key(entity: Entity, order_by: str | None, chaos: Chaos) -> str:
    """Text whose order is that of the connection: the newest first, or what chaos makes of it."""
    if order_by is None and chaos.shuffle:
        return chaos.order_key(entity.id)
    return _dated(entity.updated_at if order_by == "updatedAt" else entity.created_at, entity.id)


@lru_cache(maxsize=_KEYS_KEPT)
def _dated(instant: datetime, id_: str) -> str:
    return f"{_FAR_FUTURE_MS - int(instant.timestamp() * 1000):016d}:{id_}"


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        return base64.urlsafe_b64decode(cursor.encode()).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise input_error("Argument Validation Error: the cursor is not valid") from None
