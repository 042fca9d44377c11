"""The exact lines of real Codex sessions, where they are at hand: `shared/` beside the checkout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from symphony.domain.json import as_object, as_text

FOLDER: Final = Path(__file__).resolve().parents[3] / "shared" / "codex" / "transcripts"
_OTHER_AGENTS: Final = ("claude_", "acp_")


def codex_transcripts() -> Sequence[Path]:
    """The files; empty where there are none."""
    files = sorted(FOLDER.glob("*.jsonl")) if FOLDER.is_dir() else []
    return [file for file in files if not file.name.startswith(_OTHER_AGENTS)]


def lines_of(file: Path, direction: str) -> Sequence[bytes]:
    """The lines that went one way: `s2c`, `c2s` or `stderr`."""
    entries = [as_object(json.loads(line)) or {} for line in file.read_text().splitlines()]
    raw = [as_text(entry.get("raw")) for entry in entries if entry.get("dir") == direction]
    return [text.encode() for text in raw if text is not None]
