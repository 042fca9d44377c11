"""What the workflow has to know of tracker adapters, without knowing any adapter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterDefaults:
    """The states that an adapter assumes where the file names none; None where it assumes none."""

    active_states: tuple[str, ...] | None = None
    terminal_states: tuple[str, ...] | None = None
