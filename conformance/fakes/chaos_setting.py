"""How much legal variety a fake shows, in terms that every provider has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosSetting:
    """`page_size` None leaves the client's wish alone; `nested_page_size` bounds lists within an
    issue. `shuffle` applies where no order was asked for. `extras` are members and headers that no
    client knows, where they are legal. `nulls` stand for optional texts that are empty."""

    seed: int = 0
    page_size: int | None = 2
    nested_page_size: int | None = None
    shuffle: bool = True
    extras: bool = True
    nulls: bool = True


def calm(seed: int = 0) -> ChaosSetting:
    """No variety at all."""
    return ChaosSetting(seed=seed, page_size=None, shuffle=False, extras=False, nulls=False)
