"""What is kept of one played scenario: enough to look at it, and to play just that again.

Guarantees: beside what the lab leaves (`project/WORKFLOW.md`, which was read last, and
`logs/output.log`, what the implementation wrote) the directory of a scenario holds `bundle.json`
(what to play, and how) and `timeline.ndjson` (every event, one a line, times in seconds since the
beginning). Must not: judge; read a bundle of another schema.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from conformance.lab.timeline import Timeline

SCHEMA: Final = 1
FILE: Final = "bundle.json"
TIMELINE: Final = "timeline.ndjson"


class BundleError(Exception):
    """A directory is no bundle that can be played again."""


class Bundle(BaseModel):
    """`manifest` is an absolute path; without one, `launch` holds the words of the command."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = SCHEMA
    scenario: str
    implementation: str
    dialect: str
    seed: int
    scale: float
    manifest: str | None = None
    launch: tuple[str, ...] = ()


def write_bundle(directory: Path, bundle: Bundle, timeline: Timeline) -> None:
    """Add to the directory of a played scenario. Raises `OSError`."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / TIMELINE).write_text("".join(_lines(timeline)), encoding="utf-8", errors="replace")
    (directory / FILE).write_text(bundle.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_bundle(path: Path) -> Bundle:
    """The bundle in a directory, or the file itself. Raises `BundleError`."""
    file = path / FILE if path.is_dir() else path
    try:
        return Bundle.model_validate_json(file.read_bytes())
    except OSError as error:
        raise BundleError(
            f"{file}: {os.strerror(error.errno or 0)}; a bundle is a directory with {FILE}, "
            "such as conformance-results/scenarios/NAME"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BundleError(f"{file}: {where}: {first['msg']}") from error


def _lines(timeline: Timeline) -> Iterator[str]:
    for event in timeline.events():
        row = {
            "number": event.number,
            "at_s": round(event.at - timeline.started, 4),
            "tap": event.tap,
            "kind": event.kind,
            "subject": event.subject,
            "text": event.text,
            "data": event.data,
        }
        yield json.dumps(row, ensure_ascii=False) + "\n"
    if timeline.dropped:
        yield json.dumps({"dropped": timeline.dropped}) + "\n"
