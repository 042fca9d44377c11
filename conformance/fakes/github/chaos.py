"""What GitHub may legally do differently from one day to the next, by seed. Off by default."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """`page_size` bounds the pages of lists, `nested_page_size` those within an issue, which GitHub
    gives whole (so it is not part of `legal`); None leaves the client's wish alone. `shuffle`
    applies where the client asked for no order. `extras` adds members and headers that no client
    knows, `nulls` writes null for optional texts that are empty."""

    seed: int = 0
    page_size: int | None = None
    nested_page_size: int | None = None
    shuffle: bool = False
    extras: bool = False
    nulls: bool = False

    def order_key(self, entity_id: object) -> str:
        """A place in an order that is arbitrary, and the same at each request."""
        return hashlib.sha256(f"{self.seed}:{entity_id}".encode()).hexdigest()

    def page(self, wanted: int, *, nested: bool = False) -> int:
        bound = self.nested_page_size if nested else self.page_size
        return wanted if bound is None else min(wanted, bound)


CALM = Chaos()


def legal(seed: int) -> Chaos:
    """Everything that a client must be able to bear."""
    return Chaos(seed=seed, page_size=2, shuffle=True, extras=True, nulls=True)
