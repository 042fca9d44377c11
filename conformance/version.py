"""Which version of the suite judges."""

from __future__ import annotations

from importlib import metadata
from typing import Final

DISTRIBUTION: Final = "symphony-for-python"


def suite_version() -> str:
    """Of the installed suite."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "(not installed)"
