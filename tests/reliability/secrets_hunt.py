"""Canaries, and where to look for one that flew out.

Each stands for a secret of its own, so that a find names what leaked. They are looked for as they
are, and as JSON, addresses and shells spell them. What is documented as not recognised, such as
base64, is not looked for (docs/security.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

CANARIES: Final[Mapping[str, str]] = {
    "reading key": "canary/read-7c1f&d3<b>",
    "tool key": "canary+tool-91be/=43",
    "surface token": "canary.surface-5d20/token",
    "refused key": "canary/refused-0a77-44",
    # Nobody declares these to the daemon; their shape gives them away.
    "model key": "sk-proj-canary0123456789abcdefX",
    "foreign token": "ghp_" + "canary0123456789abcdefghijklmno",
}


def spellings(secret: str) -> frozenset[bytes]:
    """How the secret may be written down by whoever writes it down whole."""
    in_json = json.dumps(secret)[1:-1]
    forms = {
        secret,
        in_json,
        json.dumps(in_json)[1:-1],
        secret.replace("/", "\\/"),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
    }
    return frozenset(form.encode() for form in forms)


@dataclass(slots=True)
class Hunt:
    """Everything that was looked at, and what was found. Nothing is remembered of the rest."""

    canaries: Mapping[str, str]
    finds: list[str] = field(default_factory=list[str])
    places: int = 0
    bytes: int = 0

    def look(self, place: str, data: bytes | str, but_for: Sequence[str] = ()) -> None:
        """Look for all canaries but those that may be there."""
        raw = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        self.places += 1
        self.bytes += len(raw)
        for name, secret in self.canaries.items():
            if name not in but_for and any(form in raw for form in spellings(secret)):
                self.finds.append(f"the {name} in {place}")

    def look_below(self, directory: Path, *, leave_out: Sequence[Path] = ()) -> int:
        """Look into every file below, and at its name; how many there were."""
        count = 0
        for path in sorted(_files(directory)):
            if any(path == each or each in path.parents for each in leave_out):
                continue
            count += 1
            self.look(f"the name of {path}", str(path))
            self.look(str(path), path.read_bytes())
        return count


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
