"""The manifest of the daemon, with legal variants in the place of the daemon.

Guarantees: whatever a variant declares otherwise stood in the manifest before. Must not: write
files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.mutants.gate import LAUNCH, MANIFEST
from tests.variants.registry import Variant, VariantError

LAUNCHER: Final = Path(__file__).resolve().with_name("launch.py")


def manifest_text(variants: Sequence[Variant]) -> str:
    """All of them at once. Raises `VariantError` where a line is not there, or two variants want
    it otherwise."""
    text = MANIFEST.read_text(encoding="utf-8")
    changes = {f"command = {LAUNCH}": f"command = {_command(variants)}"}
    added: list[str] = []
    for each in variants:
        for line, replacement in each.declares.items():
            if not line:
                added.append(replacement)
            elif changes.setdefault(line, replacement) != replacement:
                raise VariantError(f"{each.name} and another variant both declare {line!r}")
    return "\n".join([_changed(text, changes), *added])


def _command(variants: Sequence[Variant]) -> str:
    names = ",".join(each.name for each in variants)
    arguments = [word for each in variants for word in each.arguments]
    return json.dumps(["{python}", str(LAUNCHER), names, "{workflow}", *arguments])


def _changed(text: str, changes: Mapping[str, str]) -> str:
    for line, replacement in changes.items():
        if f"\n{text}".count(f"\n{line}\n") != 1:
            raise VariantError(f"{MANIFEST} has no line {line!r} any more")
        text = f"\n{text}".replace(f"\n{line}\n", f"\n{replacement}\n").removeprefix("\n")
    return text
