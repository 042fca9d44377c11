"""What a provider may legally do differently from one day to the next, by seed.

Off by default. A suite switches it on so that no client passes by luck: small pages, an order that
nobody promised, more in an answer than was known when the client was written.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """`page_size` bounds pages of root connections, `nested_page_size` those within an entity;
    None leaves the client's wish alone. `shuffle` applies where the client asked for no order.
    `extras` adds headers and `extensions` that no client knows. `nulls` writes null for optional
    texts that are empty."""

    seed: int = 0
    page_size: int | None = None
    nested_page_size: int | None = None
    shuffle: bool = False
    extras: bool = False
    nulls: bool = False

    def order_key(self, entity_id: str) -> str:
        """A place in an order that is arbitrary, and the same at each request."""
        return hashlib.sha256(f"{self.seed}:{entity_id}".encode()).hexdigest()


CALM = Chaos()


def legal(seed: int) -> Chaos:
    """Everything that a client must be able to bear."""
    return Chaos(seed=seed, page_size=2, shuffle=True, extras=True, nulls=True)
