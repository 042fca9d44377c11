"""What a legal variant is, and where all of them are listed.

A variant is a small change of the daemon that SPEC.md permits, so that the suite has to pass it: a
check that fails one demands more than its sentence. Guarantees: names are unique; a variant that is
registered has not changed anything yet. Must not: import the daemon.

    @variant("hooks_by_sh", permitted_by=("hook.script.shell",), about="Hooks are run by `sh -lc`.")
    def _() -> None:
        replace(...)
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

MODULES: Final = ("schedule", "reads", "workspaces", "sessions", "surroundings")
"""The modules of this package that hold variants, in the order in which they are listed."""


class VariantError(Exception):
    """A variant that cannot be: its name is taken or unknown, or its manifest cannot be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One legal change. `permitted_by` are the sentences that leave it open. `plays` are further
    patterns of what is most likely to be too strict about it. `arguments` follow the command.
    `declares` are lines of the manifest with what stands in their place; an empty key adds lines
    at its end. `apply` changes this process, where there is anything to change."""

    name: str
    about: str
    permitted_by: tuple[str, ...]
    plays: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    declares: Mapping[str, str] = field(default_factory=dict[str, str])
    apply: Callable[[], None] | None = None


_variants: Final[dict[str, Variant]] = {}


def declared(variant: Variant) -> None:
    """Register one that needs no change of the program. Raises `VariantError`."""
    if variant.name in _variants:
        raise VariantError(f"there are two variants called {variant.name}")
    _variants[variant.name] = variant


def variant(
    name: str,
    *,
    about: str,
    permitted_by: Sequence[str],
    plays: Sequence[str] = (),
    declares: Mapping[str, str] | None = None,
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register the function that makes the change. Raises `VariantError`."""

    def register(apply: Callable[[], None]) -> Callable[[], None]:
        declared(
            Variant(
                name=name,
                about=about,
                permitted_by=tuple(permitted_by),
                plays=tuple(plays),
                declares=dict(declares or {}),
                apply=apply,
            )
        )
        return apply

    return register


def all_variants() -> Sequence[Variant]:
    """Every variant. Imports what they change."""
    for each in MODULES:
        importlib.import_module(f"tests.variants.{each}")
    return list(_variants.values())


def find_variants(names: Sequence[str]) -> Sequence[Variant]:
    """Raises `VariantError` where there is none of a name."""
    all_variants()
    unknown = [name for name in names if name not in _variants]
    if unknown:
        raise VariantError(f"there is no variant called {unknown[0]}; `list` shows all of them")
    return [_variants[name] for name in names]
