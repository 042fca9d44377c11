"""Style sheet, script and icon, as they are in the package; read once, when the interface starts.

Their addresses change with their content, so that a browser may keep them, and a page notices that
the daemon under it has become a newer one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

STATIC_PREFIX: Final = "/static"
_TYPES: Final[Mapping[str, str]] = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """`version` names the contents of all of them."""

    version: str
    files: Mapping[str, Asset]

    def address(self, name: str) -> str:
        """Where a page finds it. Raises KeyError for what there is not."""
        if name not in self.files:
            raise KeyError(name)
        return f"{STATIC_PREFIX}/{self.version}/{name}"


def load_assets() -> Assets:
    """Read them all."""
    folder = files("symphony.http.page") / "static"
    found = {
        name: Asset(body=(folder / name).read_bytes(), media_type=media_type)
        for name, media_type in _TYPES.items()
    }
    digest = hashlib.sha256(b"\0".join(found[name].body for name in sorted(found)))
    return Assets(version=digest.hexdigest()[:12], files=found)
